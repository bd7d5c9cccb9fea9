import { type BlockDriver, BlockError, type Extent, extentsOfData, type Loan } from '@blockyard/block';
import type { CheckedOptions } from './options.js';
import { CHUNK_BYTES, SparseBytes } from './sparse-bytes.js';

/** Sectors in sparse memory. Everything finishes at once, so nothing overlaps and no sector can be torn. */
export class MemoryDriver implements BlockDriver {
  readonly name = 'memory';
  readonly sectorSize: number;
  readonly preferredIoBytes = CHUNK_BYTES;
  readonly atomicSectors = true;
  #sizeSectors: number;
  readonly #bytes = new SparseBytes();

  constructor({ sizeSectors, sectorSize }: CheckedOptions) {
    this.sectorSize = sectorSize;
    this.#sizeSectors = sizeSectors;
  }

  get sizeSectors(): number {
    return this.#sizeSectors;
  }

  read(start: number, buffers: readonly Uint8Array[]): void {
    let at = start * this.sectorSize;
    for (const buffer of buffers) {
      this.#bytes.read(at, buffer);
      at += buffer.byteLength;
    }
  }

  lend(start: number, count: number): Loan | undefined {
    return this.#bytes.lend(start * this.sectorSize, (start + count) * this.sectorSize);
  }

  write(start: number, buffers: readonly Uint8Array[]): void {
    let at = start * this.sectorSize;
    for (const buffer of buffers) {
      this.#write(at, buffer);
      at += buffer.byteLength;
    }
  }

  flush(): void {
    // Memory has nothing more durable to offer.
  }

  resize(sizeSectors: number): void {
    this.#bytes.zero(sizeSectors * this.sectorSize, Number.MAX_SAFE_INTEGER);
    this.#sizeSectors = sizeSectors;
  }

  discard(start: number, count: number): void {
    this.#bytes.zero(start * this.sectorSize, (start + count) * this.sectorSize);
  }

  writeZeroes(start: number, count: number): void {
    this.discard(start, count);
  }

  extents(start: number, count: number): Extent[] {
    const { sectorSize } = this;
    const runs = this.#bytes.runs(start * sectorSize, (start + count) * sectorSize);
    const data = runs.map((run) => ({ start: run.start / sectorSize, count: (run.end - run.start) / sectorSize }));
    return extentsOfData(start, count, data);
  }

  disconnect(): void {
    this.#bytes.clear();
  }

  #write(positionBytes: number, buffer: Uint8Array): void {
    try {
      this.#bytes.write(positionBytes, buffer);
    } catch (error) {
      // How a JavaScript engine says that it cannot get the memory for a buffer.
      if (error instanceof RangeError) throw new BlockError('NO_SPACE', 'out of memory', { cause: error });
      throw error;
    }
  }
}
