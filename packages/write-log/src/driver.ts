import {
  type BlockDevice,
  type BlockDriver,
  BlockError,
  byteLengthOf,
  type DisconnectOptions,
  type Extent,
  type Fragment,
  type LostSignal,
} from '@blockyard/block';
import type { Engine } from './engine.js';
import type { Medium } from './medium/medium.js';
import type { Overlay } from './reading/overlay.js';

/** The driver of a write log that is open for writing. */
export class WriteLogDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly preferredIoBytes: number;
  readonly atomicSectors = true;
  readonly lost: LostSignal | undefined;
  readonly fragments?: (start: number, count: number) => Fragment[] | undefined;
  readonly #engine: Engine;

  constructor(base: BlockDevice, engine: Engine) {
    this.name = nameOver(base);
    this.sectorSize = base.info.sectorSize;
    this.sizeSectors = base.info.sizeSectors;
    this.preferredIoBytes = base.info.preferredIoBytes;
    this.lost = base.lost;
    this.#engine = engine;
    if (base.fragments !== undefined) this.fragments = (start, count) => engine.fragments(start, count);
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> | undefined {
    return this.#engine.read(start, buffers, byteLengthOf(buffers) / this.sectorSize);
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> | undefined {
    return this.#engine.write(start, buffers, byteLengthOf(buffers));
  }

  discard(start: number, count: number): Promise<void> | undefined {
    return this.#engine.zero('discard', start, count);
  }

  writeZeroes(start: number, count: number): Promise<void> | undefined {
    return this.#engine.zero('zeroes', start, count);
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#engine.extents(start, count);
  }

  flush(): Promise<void> {
    return this.#engine.flush();
  }

  resize(sizeSectors: number): Promise<void> {
    return this.#engine.resize(sizeSectors);
  }

  disconnect(options: DisconnectOptions): Promise<void> {
    return this.#engine.disconnect(options);
  }
}

/** The driver of a write log that is only read. */
export class ReadOnlyDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly preferredIoBytes: number;
  readonly readOnly = true;
  readonly atomicSectors = true;
  readonly fragments?: (start: number, count: number) => Fragment[] | undefined;
  readonly #base: BlockDevice;
  readonly #medium: Medium;
  readonly #overlay: Overlay;

  constructor(base: BlockDevice, medium: Medium, overlay: Overlay) {
    this.name = nameOver(base);
    this.sectorSize = base.info.sectorSize;
    this.sizeSectors = base.info.sizeSectors;
    this.preferredIoBytes = base.info.preferredIoBytes;
    this.#base = base;
    this.#medium = medium;
    this.#overlay = overlay;
    if (base.fragments !== undefined) this.fragments = (start, count) => overlay.fragments(start, count);
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> | undefined {
    return this.#overlay.read(start, buffers, byteLengthOf(buffers) / this.sectorSize);
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#overlay.extents(start, count);
  }

  write(): never {
    throw readOnly();
  }

  resize(): never {
    throw readOnly();
  }

  flush(): void {}

  async disconnect({ force = false }: DisconnectOptions): Promise<void> {
    await this.#base.disconnect({ force });
    await (force ? this.#medium.force() : this.#medium.disconnect());
  }
}

function nameOver({ info }: BlockDevice): string {
  return `write-log(${info.name})`;
}

function readOnly(): BlockError {
  return new BlockError('READ_ONLY', 'the write log is open for reading');
}
