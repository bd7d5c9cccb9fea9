import { type BlockDriver, BlockError, type Extent, extentsOfData } from '@blockyard/block';
import { fromDomError } from './dom-error.js';
import type { VolumeFile } from './volume-file.js';

/** Larger transfers gain nothing more. */
const PREFERRED_IO_BYTES = 1 << 20;

/** Sectors in a file of the browser. Everything finishes at once, so nothing overlaps. */
export class OpfsDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly: boolean;
  readonly preferredIoBytes = PREFERRED_IO_BYTES;
  readonly atomicSectors = true;
  readonly #file: VolumeFile;
  #failure: BlockError | undefined;

  constructor(file: VolumeFile, name: string, readOnly: boolean) {
    this.#file = file;
    this.name = name;
    this.readOnly = readOnly;
    this.sectorSize = file.sectorSize;
    this.sizeSectors = file.sizeSectors;
  }

  read(start: number, buffers: readonly Uint8Array[]): void {
    attempt('read', () => this.#file.read(start, buffers));
  }

  write(start: number, buffers: readonly Uint8Array[]): void {
    attempt('write', () => this.#file.write(start, buffers));
  }

  discard(start: number, count: number): void {
    attempt('discard', () => this.#file.zero(start, count));
  }

  writeZeroes(start: number, count: number): void {
    attempt('writeZeroes', () => this.#file.zero(start, count));
  }

  extents(start: number, count: number): Extent[] {
    const stored = Math.min(this.#file.storedSectors - start, count);
    return extentsOfData(start, count, stored > 0 ? [{ start, count: stored }] : []);
  }

  resize(sizeSectors: number): void {
    attempt('resize', () => this.#file.resize(sizeSectors));
  }

  /** After one that failed no one can tell what is durable: systems forget what they could not write [D3]. */
  flush(): void {
    if (this.readOnly) return;
    const before = this.#failure;
    if (before !== undefined) {
      throw new BlockError('FLUSH_FAILED', `an earlier flush has failed: ${before.message}`, { cause: before });
    }
    try {
      attempt('flush', () => this.#file.flush());
    } catch (error) {
      this.#failure = fromDomError(error, 'flush');
      throw new BlockError('FLUSH_FAILED', this.#failure.message, { cause: error });
    }
  }

  disconnect(): void {
    attempt('close', () => this.#file.close());
  }
}

function attempt(what: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    throw fromDomError(error, what);
  }
}
