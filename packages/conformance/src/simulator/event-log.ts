const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** What happened, as one number, and as text if that is wanted. */
export class EventLog {
  /** The last events, if they are kept. */
  readonly lines: string[] = [];
  readonly #keeps: boolean;
  #hash = FNV_OFFSET;
  #steps = 0;

  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  /** Operations of clients that were called, and calls of media that settled. */
  get steps(): number {
    return this.#steps;
  }

  /** FNV-1a over all events: two runs with one hash are the same run. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  step(): void {
    this.#steps++;
  }

  note(atMs: number, what: string): void {
    let hash = Math.imul(this.#hash ^ atMs, FNV_PRIME);
    for (let i = 0; i < what.length; i++) hash = Math.imul(hash ^ what.charCodeAt(i), FNV_PRIME);
    this.#hash = hash;
    if (this.#keeps) this.lines.push(`${atMs} ms: ${what}`);
  }
}
