import type { Counts, RequestKind } from '@blockyard/object-store';

export const LAYOUTS = ['log', 'chunks'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** What a layout makes of what reaches it: requests to the store, and bytes. Positions are bytes of the device. */
export interface LayoutCosts {
  /** As the layout's device has it: what a cache above goes by. */
  readonly preferredIoBytes: number;
  read(from: number, to: number): void;
  write(from: number, to: number): void;
  counts(): Counts;
}

/** Bytes of a chunk, and of a segment of a log, where nothing else was chosen. */
const CHUNK_BYTES = 2 ** 20;
const SEGMENT_BYTES = 8 * 2 ** 20;
/** A log is asked for pieces of this size. */
const LOG_IO_BYTES = 128 * 1024;
/** Where a log has what was written anew is remembered for pieces of this size. */
const PLACE_BYTES = 65_536;

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

/**
 * What was there before lies in order, in segments; what is written goes to the end, one PUT for each full segment. A read takes a
 * GET for each run of it that lies in one segment. Flushes of clients, checkpoints and cleaning are not in it.
 */
class LogCosts implements LayoutCosts {
  readonly preferredIoBytes = LOG_IO_BYTES;
  readonly #store = new Requests();
  /** The segment that has what was written of a piece of the device. */
  readonly #places = new Map<number, number>();
  #segment = 1;
  #segmentBytes = 0;

  read(from: number, to: number): void {
    let run = 0;
    let place: number | undefined;
    for (const [start, end] of pieces(from, to, PLACE_BYTES)) {
      const here = this.#placeOf(start);
      if (run > 0 && here !== place) {
        this.#store.get(run);
        run = 0;
      }
      place = here;
      run += end - start;
    }
    if (run > 0) this.#store.get(run);
  }

  write(from: number, to: number): void {
    for (const [start, end] of pieces(from, to, PLACE_BYTES)) {
      if (this.#segmentBytes + end - start > SEGMENT_BYTES) this.#seal();
      this.#segmentBytes += end - start;
      this.#places.set(Math.floor(start / PLACE_BYTES), this.#segment);
    }
  }

  counts(): Counts {
    if (this.#segmentBytes > 0) this.#seal();
    return this.#store.counts();
  }

  #seal(): void {
    this.#store.put(this.#segmentBytes);
    this.#segment++;
    this.#segmentBytes = 0;
  }

  /** Negative: one of those that were there before. */
  #placeOf(at: number): number {
    return this.#places.get(Math.floor(at / PLACE_BYTES)) ?? -1 - Math.floor(at / SEGMENT_BYTES);
  }
}

/** A range, split where pieces of a size end. */
function* pieces(from: number, to: number, size: number): Generator<readonly [number, number]> {
  for (let start = from; start < to; ) {
    const end = Math.min(to, (Math.floor(start / size) + 1) * size);
    yield [start, end];
    start = end;
  }
}
