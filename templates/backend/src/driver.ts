import type { BlockDriver, Extent } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import type { Chunks } from './chunks.js';
import { type Header, writeHeader } from './header.js';
import type { Medium } from './medium.js';

/** Chunks of one call that are worked on at once. */
const MAX_CONCURRENCY = 8;

/** What an open volume holds, and gives back in the end. */
export interface Volume {
  readonly path: string;
  readonly readOnly: boolean;
  readonly medium: Medium;
  readonly header: Header;
  readonly chunks: Chunks;
  readonly lock: { close(): Promise<void> };
}

/** A volume as `createDevice` wants it. Every call has arguments that were checked. */
export class TemplateDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly readOnly: boolean;
  readonly preferredIoBytes: number;
  readonly #volume: Volume;
  #sizeSectors: number;

  constructor(volume: Volume) {
    const { header, path, readOnly } = volume;
    this.name = `template:${path}`;
    this.sectorSize = header.sectorSize;
    this.readOnly = readOnly;
    this.preferredIoBytes = header.chunkBytes;
    this.#volume = volume;
    this.#sizeSectors = header.sizeSectors;
  }

  get sizeSectors(): number {
    return this.#sizeSectors;
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    const { chunks } = this.#volume;
    return inParallel(chunks.parts(start * this.sectorSize, buffers), (part) => chunks.read(part));
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    const { chunks } = this.#volume;
    return inParallel(chunks.parts(start * this.sectorSize, buffers), (part) => chunks.write(part));
  }

  /** `discard` does the same. */
  writeZeroes(start: number, count: number): Promise<void> {
    return this.#zero(start * this.sectorSize, (start + count) * this.sectorSize);
  }

  /** Chunks that were put are whole; their names are what a loss of power could take. */
  flush(): Promise<void> {
    return this.#volume.medium.sync();
  }

  async extents(start: number, count: number): Promise<Extent[]> {
    const { sectorSize } = this;
    const runs = this.#volume.chunks.runs(start * sectorSize, (start + count) * sectorSize);
    return Array.from(runs, (run) => ({
      start: run.start / sectorSize,
      count: (run.end - run.start) / sectorSize,
      type: run.inside ? 'data' : 'zero',
    }));
  }

  async resize(sizeSectors: number): Promise<void> {
    const { medium, header } = this.#volume;
    const isSmaller = sizeSectors < this.#sizeSectors;
    // What a shrinking left behind that failed half way must not come back.
    if (!isSmaller) await this.#zeroFrom(this.#sizeSectors);
    await writeHeader(medium, { ...header, sizeSectors });
    this.#sizeSectors = sizeSectors;
    if (isSmaller) await this.#zeroFrom(sizeSectors).catch(() => undefined);
  }

  async disconnect(): Promise<void> {
    await this.#volume.lock.close();
  }

  #zeroFrom(sector: number): Promise<void> {
    return this.#zero(sector * this.sectorSize, Number.MAX_SAFE_INTEGER);
  }

  #zero(startByte: number, endByte: number): Promise<void> {
    const { chunks } = this.#volume;
    return inParallel(chunks.within(startByte, endByte), (chunk) => chunks.zero(chunk, startByte, endByte));
  }
}

function inParallel<T>(items: Iterable<T>, task: (item: T) => Promise<void>): Promise<void> {
  return forEachParallel(items, { maxConcurrency: MAX_CONCURRENCY }, task);
}
