import {
  type BlockDevice,
  type BlockDriver,
  BlockError,
  byteLengthOf,
  type DisconnectOptions,
  type Extent,
} from '@blockyard/block';
import type { ImageReader } from './image/image-reader.js';

/** What a driver is made of. */
export interface Qcow2DriverParts {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeBytes: number;
  readonly clusterBytes: number;
  readonly reader: ImageReader;
  /** Devices that end with it, in that order. */
  readonly owned: readonly BlockDevice[];
  readonly lost: BlockDevice['lost'];
}

/** Transfers below it are not worth the way. */
const IO_BYTES_MIN = 65_536;

export class Qcow2Driver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly = true;
  readonly preferredIoBytes: number;
  /** Nothing changes, so that nothing is torn. */
  readonly atomicSectors = true;
  readonly lost: BlockDevice['lost'];
  readonly #parts: Qcow2DriverParts;
  #isStopped = false;

  constructor(parts: Qcow2DriverParts) {
    const { name, sectorSize, sizeBytes, clusterBytes, lost } = parts;
    this.name = name;
    this.sectorSize = sectorSize;
    this.sizeSectors = Math.ceil(sizeBytes / sectorSize);
    this.preferredIoBytes = Math.max(IO_BYTES_MIN, clusterBytes, sectorSize);
    this.lost = lost;
    this.#parts = parts;
  }

  read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#parts.reader.read(start * this.sectorSize, buffers, byteLengthOf(buffers), this.#throwIfStopped);
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#parts.reader.extents(start, count, this.sectorSize, this.#throwIfStopped);
  }

  write(): never {
    throw readOnly();
  }

  resize(): never {
    throw readOnly();
  }

  flush(): void {}

  async disconnect(options: DisconnectOptions): Promise<void> {
    if (options.force === true) this.#isStopped = true;
    await Promise.all(this.#parts.owned.map((device) => device.disconnect(options)));
    this.#parts.reader.clear();
  }

  readonly #throwIfStopped = (): void => {
    if (this.#isStopped) throw new BlockError('DISCONNECTED', 'the device was disconnected');
  };
}

function readOnly(): BlockError {
  return new BlockError('READ_ONLY', 'a qcow2 image is only read');
}
