import type { Counts, RequestKind } from '@blockyard/object-store';

export const LAYOUTS = ['log', 'chunks'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** A part of a range, and the number of the GET that brings it; 0: it takes none. */
export interface LayoutFragment {
  readonly from: number;
  readonly to: number;
  readonly request: number;
}

/** What a layout makes of what reaches it: requests to the store, and bytes. Positions are bytes of the device. */
export interface LayoutCosts {
  /** As the layout's device has it: what a cache above goes by. */
  readonly preferredIoBytes: number;
  read(from: number, to: number): void;
  /** Which GET brings which part of a range, where one range may take several. */
  fragments?(from: number, to: number): LayoutFragment[];
  write(from: number, to: number): void;
  counts(): Counts;
}

/** Bytes of a chunk, and of a segment of a log, where nothing else was chosen. */
const CHUNK_BYTES = 2 ** 20;
const SEGMENT_BYTES = 8 * 2 ** 20;
/** A log is asked for pieces of this size. */
const LOG_IO_BYTES = 128 * 1024;
/** Where a log has what was written anew is remembered for pieces of this size: a sector of a volume in a store. */
const PLACE_BYTES = 4096;
/** Places of what was written begin here, in a segment of their own; what was there before lies where it is on the device. */
const WRITTEN_FROM = 2 ** 52;
/** A GET of a log fetches also what no one wants between two runs, up to so much; and so much in all, for one read or for several. */
const GAP_BYTES_MAX = 65_536;
const GET_BYTES_MAX = 4 * 2 ** 20;
const SHARED_BYTES_MAX = 2 ** 20;

export function costsOfLayout(layout: Layout): LayoutCosts {
  return layout === 'log' ? new LogCosts() : new ChunkCosts();
}

class Requests {
  readonly #requests: Record<RequestKind, number> = { get: 0, head: 0, put: 0, delete: 0, list: 0 };
  uploadBytes = 0;
  downloadBytes = 0;

  get(bytes: number): void {
    this.#requests.get++;
    this.downloadBytes += bytes;
  }

  put(bytes: number): void {
    this.#requests.put++;
    this.uploadBytes += bytes;
  }

  counts(): Counts {
    const { uploadBytes, downloadBytes } = this;
    return { requests: { ...this.#requests }, uploadBytes, downloadBytes };
  }
}

/** Each chunk is an object: a GET reads of one, a PUT replaces one, and what a part is put into has to be read first. */
class ChunkCosts implements LayoutCosts {
  readonly preferredIoBytes = CHUNK_BYTES;
  readonly #store = new Requests();

  read(from: number, to: number): void {
    for (const [start, end] of pieces(from, to, CHUNK_BYTES)) this.#store.get(end - start);
  }

  write(from: number, to: number): void {
    for (const [start, end] of pieces(from, to, CHUNK_BYTES)) {
      if (end - start < CHUNK_BYTES) this.#store.get(CHUNK_BYTES);
      this.#store.put(CHUNK_BYTES);
    }
  }

  counts(): Counts {
    return this.#store.counts();
  }
}

/** A run of the device that lies together in a segment: `at` tells where, among all segments. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

/**
 * What was there before lies in order, in segments; what is written goes to the end, one PUT for each full segment. A GET brings
 * what lies close together in one segment, for a read or for several that begin at once; what is not stored yet takes none.
 * Flushes of clients, checkpoints and cleaning are not in it.
 */
class LogCosts implements LayoutCosts {
  readonly preferredIoBytes = LOG_IO_BYTES;
  readonly #store = new Requests();
  /** Where what was written of a piece of the device lies. */
  readonly #places = new Map<number, number>();
  #openFrom = WRITTEN_FROM;
  #end = WRITTEN_FROM;
  /** What reads of this moment want. */
  #wanted: Run[] = [];
  #reads = 0;

  read(from: number, to: number): void {
    if (this.#reads === 0) queueMicrotask(() => this.#fetch());
    this.#reads++;
    this.#wanted.push(...this.#runs(from, to));
  }

  fragments(from: number, to: number): LayoutFragment[] {
    const runs = this.#runs(from, to);
    const fragments = runs.filter(({ at }) => at >= this.#openFrom).map((run) => ({ ...run, request: 0 }));
    for (const [i, gets] of this.#gets(runs, SHARED_BYTES_MAX).entries()) {
      fragments.push(...gets.map((run) => ({ ...run, request: i + 1 })));
    }
    return fragments.sort((a, b) => a.from - b.from);
  }

  write(from: number, to: number): void {
    for (const [start] of pieces(from, to, PLACE_BYTES)) {
      const piece = Math.floor(start / PLACE_BYTES);
      // In a segment that is not stored yet it takes the place of its earlier copy.
      if ((this.#places.get(piece) ?? 0) >= this.#openFrom) continue;
      this.#places.set(piece, this.#end);
      this.#end += PLACE_BYTES;
      if (this.#end - this.#openFrom === SEGMENT_BYTES) this.#seal();
    }
  }

  counts(): Counts {
    this.#fetch();
    if (this.#end > this.#openFrom) this.#seal();
    return this.#store.counts();
  }

  #seal(): void {
    this.#store.put(this.#end - this.#openFrom);
    this.#openFrom += SEGMENT_BYTES;
    this.#end = this.#openFrom;
  }

  #fetch(): void {
    const maxBytes = this.#reads > 1 ? SHARED_BYTES_MAX : GET_BYTES_MAX;
    for (const runs of this.#gets(this.#wanted, maxBytes)) {
      this.#store.get((runs.at(-1) as Run).at + lengthOf(runs.at(-1) as Run) - (runs[0] as Run).at);
    }
    this.#wanted = [];
    this.#reads = 0;
  }

  #runs(from: number, to: number): Run[] {
    const runs: Run[] = [];
    for (const [start, end] of pieces(from, to, PLACE_BYTES)) {
      const place = this.#places.get(Math.floor(start / PLACE_BYTES));
      const at = place === undefined ? start : place + (start % PLACE_BYTES);
      const last = runs.at(-1);
      if (last !== undefined && last.at + lengthOf(last) === at && segmentOf(last.at) === segmentOf(at)) {
        runs[runs.length - 1] = { ...last, to: end };
      } else {
        runs.push({ from: start, to: end, at });
      }
    }
    return runs;
  }

  /** What is stored of them, as each GET brings it. */
  #gets(runs: readonly Run[], maxBytes: number): Run[][] {
    const gets: Run[][] = [];
    let first = 0;
    let end = 0;
    for (const run of runs.filter(({ at }) => at < this.#openFrom).sort((a, b) => a.at - b.at)) {
      const isNear = segmentOf(run.at) === segmentOf(first) && run.at >= end && run.at - end <= GAP_BYTES_MAX;
      if (gets.length > 0 && isNear && run.at + lengthOf(run) - first <= maxBytes) {
        gets.at(-1)?.push(run);
      } else {
        gets.push([run]);
        first = run.at;
      }
      end = run.at + lengthOf(run);
    }
    return gets;
  }
}

function lengthOf({ from, to }: Run): number {
  return to - from;
}

function segmentOf(at: number): number {
  return Math.floor(at / SEGMENT_BYTES);
}

/** A range, split where pieces of a size end. */
function* pieces(from: number, to: number, size: number): Generator<readonly [number, number]> {
  for (let start = from; start < to; ) {
    const end = Math.min(to, (Math.floor(start / size) + 1) * size);
    yield [start, end];
    start = end;
  }
}
