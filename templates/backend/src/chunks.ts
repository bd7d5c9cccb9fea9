import { BlockError, type IntervalRun, IntervalSet } from '@blockyard/block';
import { BufferCursor, SerialQueue } from '@blockyard/block/async';
import type { Medium } from './medium.js';

/** The part of a request that falls into one chunk, in bytes of that chunk. */
export interface Part {
  readonly chunk: number;
  readonly offset: number;
  readonly buffers: readonly Uint8Array[];
}

const PREFIX = 'chunk-';
const KEY = /^chunk-(\d{16})$/;

/**
 * The bytes of a volume in chunks of one size, of which those that are not there are zeroes.
 *
 * A chunk is larger than a sector. The device keeps calls apart that overlap, but not two writes to different sectors of one
 * chunk, each of which puts back the whole. So changes of one chunk take their turns here.
 */
export class Chunks {
  readonly #medium: Medium;
  readonly #chunkBytes: number;
  /** Numbers of the chunks that are there. */
  readonly #known = new IntervalSet();
  readonly #changes = new SerialQueue<number>();

  constructor(medium: Medium, chunkBytes: number) {
    this.#medium = medium;
    this.#chunkBytes = chunkBytes;
  }

  /** Finds out which chunks are there. */
  async load(): Promise<void> {
    for (const key of await this.#medium.keys()) {
      const [, digits] = KEY.exec(key) ?? [];
      if (digits !== undefined) this.#known.add(Number(digits), Number(digits) + 1);
    }
  }

  /** Also those that were put in part. */
  async deleteAll(): Promise<void> {
    for (const key of await this.#medium.keys()) if (key.startsWith(PREFIX)) await this.#medium.delete(key);
    this.#known.clear();
  }

  /** Splits a list of buffers where chunks end. */
  *parts(startByte: number, buffers: readonly Uint8Array[]): Generator<Part> {
    const cursor = new BufferCursor(buffers);
    while (cursor.leftBytes > 0) {
      const position = startByte + cursor.doneBytes;
      const offset = position % this.#chunkBytes;
      const views = cursor.peek(this.#chunkBytes - offset);
      cursor.advance(Math.min(this.#chunkBytes - offset, cursor.leftBytes));
      yield { chunk: (position - offset) / this.#chunkBytes, offset, buffers: views };
    }
  }

  async read({ chunk, offset, buffers }: Part): Promise<void> {
    const stored = await this.#get(chunk);
    const cursor = new BufferCursor(buffers);
    if (stored === undefined) cursor.fillRestWithZeroes();
    else cursor.fill(stored.subarray(offset, offset + cursor.byteLength));
  }

  write({ chunk, offset, buffers }: Part): Promise<void> {
    return this.#changes.run(chunk, async () => {
      const bytes = (await this.#get(chunk)) ?? new Uint8Array(this.#chunkBytes);
      let at = offset;
      for (const buffer of buffers) {
        bytes.set(buffer, at);
        at += buffer.byteLength;
      }
      this.#known.add(chunk, chunk + 1);
      await this.#medium.put(keyOf(chunk), bytes);
    });
  }

  /** Runs of bytes that may be data, and of those that are zeroes, that cover the range. */
  *runs(startByte: number, endByte: number): Generator<IntervalRun> {
    const size = this.#chunkBytes;
    for (const run of this.#known.runs(Math.floor(startByte / size), Math.ceil(endByte / size))) {
      yield { ...run, start: Math.max(run.start * size, startByte), end: Math.min(run.end * size, endByte) };
    }
  }

  /** The chunks with bytes of a range that are there. */
  *within(startByte: number, endByte: number): Generator<number> {
    const first = Math.floor(startByte / this.#chunkBytes);
    for (const { start, end } of this.#known.from(first)) {
      for (let chunk = Math.max(start, first); chunk < end; chunk++) {
        if (chunk * this.#chunkBytes >= endByte) return;
        yield chunk;
      }
    }
  }

  /** Makes what a range has of a chunk zeroes. */
  zero(chunk: number, startByte: number, endByte: number): Promise<void> {
    const from = Math.max(startByte - chunk * this.#chunkBytes, 0);
    const to = Math.min(endByte - chunk * this.#chunkBytes, this.#chunkBytes);
    return this.#changes.run(chunk, async () => {
      const bytes = await this.#get(chunk);
      if (bytes === undefined) return;
      if (from > 0 || to < this.#chunkBytes) return this.#medium.put(keyOf(chunk), bytes.fill(0, from, to));
      await this.#medium.delete(keyOf(chunk));
      this.#known.remove(chunk, chunk + 1);
    });
  }

  async #get(chunk: number): Promise<Uint8Array | undefined> {
    if (!this.#known.has(chunk)) return undefined;
    const bytes = await this.#medium.get(keyOf(chunk));
    if (bytes === undefined || bytes.byteLength === this.#chunkBytes) return bytes;
    throw new BlockError('CORRUPT', `${keyOf(chunk)} has ${bytes.byteLength} bytes, not ${this.#chunkBytes}`);
  }
}

function keyOf(chunk: number): string {
  return `${PREFIX}${String(chunk).padStart(16, '0')}`;
}
