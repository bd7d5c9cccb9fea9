/** So many points are kept; when there would be more, two become one. */
const POINTS_MAX = 240;
const FIRST_EVERY_MS = 100;

/** What was done in each part of a run, parts of one length, the last one as far as it went. */
export interface TimelineSummary {
  readonly everySeconds: number;
  readonly readOperations: readonly number[];
  readonly readBytes: readonly number[];
  readonly writeOperations: readonly number[];
  readonly writeBytes: readonly number[];
}

/** Counts operations over the time of a run, however long that is, in bounded memory. */
export class Timeline {
  #everyMs = FIRST_EVERY_MS;
  #last = -1;
  readonly #columns = Array.from({ length: 4 }, () => new Float64Array(POINTS_MAX));

  /** An operation that has ended so long after the beginning of the run. */
  add(isWrite: boolean, bytes: number, sinceMs: number): void {
    while (sinceMs >= POINTS_MAX * this.#everyMs) this.#halve();
    const at = Math.max(0, Math.floor(sinceMs / this.#everyMs));
    this.#last = Math.max(this.#last, at);
    const first = isWrite ? 2 : 0;
    this.#count(first, at, 1);
    this.#count(first + 1, at, bytes);
  }

  summary(): TimelineSummary {
    const [readOperations = [], readBytes = [], writeOperations = [], writeBytes = []] = this.#columns.map((column) => [
      ...column.subarray(0, this.#last + 1),
    ]);
    return { everySeconds: this.#everyMs / 1000, readOperations, readBytes, writeOperations, writeBytes };
  }

  #count(column: number, at: number, amount: number): void {
    const values = this.#columns[column];
    if (values !== undefined) values[at] = (values[at] ?? 0) + amount;
  }

  #halve(): void {
    for (const values of this.#columns) {
      for (let at = 0; at < POINTS_MAX / 2; at++) values[at] = (values[2 * at] ?? 0) + (values[2 * at + 1] ?? 0);
      values.fill(0, POINTS_MAX / 2);
    }
    this.#everyMs *= 2;
    this.#last = Math.floor(this.#last / 2);
  }
}
