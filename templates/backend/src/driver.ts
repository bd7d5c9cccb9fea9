import type { BlockDriver } from '@blockyard/block';
import type { Medium } from './medium.js';
import type { TemplateOptions } from './options.js';

/** Sectors in a medium that stores each by its number. */
export class TemplateDriver implements BlockDriver {
  readonly name = 'template';
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly: boolean;
  readonly #medium: Medium;

  constructor({ medium, readOnly }: Required<TemplateOptions>) {
    this.sectorSize = medium.sectorSize;
    this.sizeSectors = medium.sizeSectors;
    this.readOnly = readOnly;
    this.#medium = medium;
  }

  async read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    for (const [sector, bytes] of this.#sectors(start, buffers)) {
      const stored = this.#medium.sectors.get(sector);
      if (stored === undefined) bytes.fill(0);
      else bytes.set(stored);
    }
  }

  async write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    // A copy, since the buffers are the caller's again once this is done. (A Buffer's own slice() would be none.)
    for (const [sector, bytes] of this.#sectors(start, buffers)) {
      this.#medium.sectors.set(sector, Uint8Array.from(bytes));
    }
  }

  async flush(): Promise<void> {
    // Nothing is held back: what was written is where it belongs.
  }

  async resize(sizeSectors: number): Promise<void> {
    for (const sector of this.#medium.sectors.keys()) {
      if (sector >= sizeSectors) this.#medium.sectors.delete(sector);
    }
    this.#medium.sizeSectors = sizeSectors;
  }

  async disconnect(): Promise<void> {
    // Nothing is open.
  }

  /** The buffers in pieces of one sector, each with its number. */
  *#sectors(start: number, buffers: readonly Uint8Array[]): Generator<[sector: number, bytes: Uint8Array]> {
    let sector = start;
    for (const buffer of buffers) {
      for (let at = 0; at < buffer.byteLength; at += this.sectorSize) {
        yield [sector++, buffer.subarray(at, at + this.sectorSize)];
      }
    }
  }
}
