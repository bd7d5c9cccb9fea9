import { isZero, SECTOR_SIZE_MAX } from '@blockyard/block';

/** What memory is taken and given back by. A multiple of every sector size, so that a sector lies in one chunk. */
export const CHUNK_BYTES = SECTOR_SIZE_MAX;

/** Bytes from `start` up to but not including `end`. */
interface ByteRun {
  readonly start: number;
  readonly end: number;
}

/** 2^53 - 1 bytes that are zero until they are written to, and take memory only then. */
export class SparseBytes {
  readonly #chunks = new Map<number, Uint8Array>();

  /** Fills `target` from `position` on. */
  read(position: number, target: Uint8Array): void {
    for (let done = 0; done < target.byteLength; ) {
      const { index, offset } = locate(position + done);
      const length = Math.min(CHUNK_BYTES - offset, target.byteLength - done);
      const chunk = this.#chunks.get(index);
      if (chunk === undefined) target.fill(0, done, done + length);
      else target.set(chunk.subarray(offset, offset + length), done);
      done += length;
    }
  }

  /** Copies `source` to `position`. Throws `RangeError` where there is no memory; what came before it is written then. */
  write(position: number, source: Uint8Array): void {
    for (let done = 0; done < source.byteLength; ) {
      const { index, offset } = locate(position + done);
      const length = Math.min(CHUNK_BYTES - offset, source.byteLength - done);
      this.#chunk(index).set(source.subarray(done, done + length), offset);
      done += length;
    }
  }

  /** Zeroes a range, and gives back every chunk that holds nothing else. Costs by the chunks that are there. */
  zero(start: number, end: number): void {
    for (const index of this.#indexes(start, end)) {
      const chunkStart = index * CHUNK_BYTES;
      const from = Math.max(start - chunkStart, 0);
      const to = Math.min(end - chunkStart, CHUNK_BYTES);
      const chunk = this.#chunk(index);
      const whole = to - from === CHUNK_BYTES;
      if (!whole) chunk.fill(0, from, to);
      if (whole || isZero(chunk)) this.#chunks.delete(index);
    }
  }

  /** The parts of a range that are not known to be zero, in order. Costs by the chunks that are there. */
  runs(start: number, end: number): ByteRun[] {
    const runs: { start: number; end: number }[] = [];
    for (const index of this.#indexes(start, end).sort((a, b) => a - b)) {
      const from = Math.max(index * CHUNK_BYTES, start);
      const to = Math.min(index * CHUNK_BYTES + CHUNK_BYTES, end);
      const last = runs.at(-1);
      if (last?.end === from) last.end = to;
      else runs.push({ start: from, end: to });
    }
    return runs;
  }

  clear(): void {
    this.#chunks.clear();
  }

  /** Indexes of the chunks there are in a range, in no order, by whichever is shorter: the range or the list of chunks. */
  #indexes(start: number, end: number): number[] {
    if (start >= end) return [];
    const first = locate(start).index;
    const last = locate(end - 1).index;
    const indexes: number[] = [];
    if (last - first < this.#chunks.size) {
      for (let index = first; index <= last; index++) if (this.#chunks.has(index)) indexes.push(index);
    } else {
      for (const index of this.#chunks.keys()) if (first <= index && index <= last) indexes.push(index);
    }
    return indexes;
  }

  #chunk(index: number): Uint8Array {
    let chunk = this.#chunks.get(index);
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK_BYTES);
      this.#chunks.set(index, chunk);
    }
    return chunk;
  }
}

/** The chunk that a byte lies in and where in it. Plain arithmetic: 32-bit operators would cut positions off. */
function locate(position: number): { readonly index: number; readonly offset: number } {
  const index = Math.floor(position / CHUNK_BYTES);
  return { index, offset: position - index * CHUNK_BYTES };
}
