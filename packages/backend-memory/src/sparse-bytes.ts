import { isZero, type Loan, SECTOR_SIZE_MAX } from '@blockyard/block';

/** The unit in which memory is taken and given back. A multiple of every sector size, so that each sector lies in one chunk. */
export const CHUNK_BYTES = SECTOR_SIZE_MAX;

/** Bytes from `start` up to but not including `end`. */
interface ByteRun {
  readonly start: number;
  readonly end: number;
}

/** 2^53 - 1 bytes that are zero until they are written to, and take memory only then. */
export class SparseBytes {
  readonly #chunks = new Map<number, Uint8Array>();
  /** Chunks that are lent, and how often. They are not written to: a write replaces them by a copy. */
  readonly #lent = new Map<Uint8Array, number>();

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

  /** Bytes `start` to `end` as they lie in memory, or undefined where some are zeroes that take no memory. */
  lend(start: number, end: number): Loan | undefined {
    const chunks: Uint8Array[] = [];
    const views: Uint8Array[] = [];
    for (let at = start; at < end; ) {
      const { index, offset } = locate(at);
      const chunk = this.#chunks.get(index);
      if (chunk === undefined) return undefined;
      const length = Math.min(CHUNK_BYTES - offset, end - at);
      chunks.push(chunk);
      views.push(chunk.subarray(offset, offset + length));
      at += length;
    }
    for (const chunk of chunks) this.#lent.set(chunk, (this.#lent.get(chunk) ?? 0) + 1);
    return { views, release: () => this.#giveBack(chunks.splice(0)) };
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
      const whole = to - from === CHUNK_BYTES;
      if (whole || isZero(this.#chunk(index).fill(0, from, to))) this.#chunks.delete(index);
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

  /**
   * Indexes of the chunks that exist in a range, in no order. Goes through the range or through all chunks, whichever are
   * fewer.
   */
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

  /** The chunk, to be written to. */
  #chunk(index: number): Uint8Array {
    const found = this.#chunks.get(index);
    if (found !== undefined && !this.#lent.has(found)) return found;
    const chunk = found?.slice() ?? new Uint8Array(CHUNK_BYTES);
    this.#chunks.set(index, chunk);
    return chunk;
  }

  #giveBack(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      const loans = this.#lent.get(chunk) ?? 0;
      if (loans > 1) this.#lent.set(chunk, loans - 1);
      else this.#lent.delete(chunk);
    }
  }
}

/** The chunk that a byte lies in, and where in it. Plain arithmetic: 32-bit operators would truncate positions. */
function locate(position: number): { readonly index: number; readonly offset: number } {
  const index = Math.floor(position / CHUNK_BYTES);
  return { index, offset: position - index * CHUNK_BYTES };
}
