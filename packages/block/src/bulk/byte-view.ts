import { checkInteger } from '../check.js';
import type { BlockDevice } from '../contract.js';
import { BlockError } from '../error.js';
import { walkExtents } from './walk-extents.js';

/** A run of bytes of a {@link ByteView}, counted from the view's start. */
export interface ByteRun {
  readonly start: number;
  readonly end: number;
  /** Known to read as zeroes. Other runs may still read as zeroes. */
  readonly zero: boolean;
}

/**
 * A range of a device in bytes, counted from its own start, reading as zeroes beyond its end: two devices with sectors of
 * different sizes and numbers have only bytes in common.
 */
export class ByteView {
  readonly device: BlockDevice;
  readonly sectorSize: number;
  /** First byte on the device. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;

  /**
   * `lengthBytes` from `offsetBytes` on; the rest of the device if left out.
   *
   * Throws `INVALID_ARGUMENT`; `UNALIGNED` if it is not whole sectors; `OUT_OF_BOUNDS` if it ends past the device.
   */
  constructor(device: BlockDevice, offsetBytes = 0, lengthBytes?: number) {
    const { name, sectorSize, sizeSectors } = device.info;
    const sizeBytes = sizeSectors * sectorSize;
    const checkBytes = (bytes: number, what: string) => {
      checkInteger(bytes, what);
      if (bytes % sectorSize === 0) return;
      throw new BlockError('UNALIGNED', `${what} ${bytes} is not whole sectors of ${sectorSize} bytes of ${name}`);
    };
    checkBytes(offsetBytes, 'offset');
    if (lengthBytes !== undefined) checkBytes(lengthBytes, 'length');
    if (offsetBytes > sizeBytes || (lengthBytes ?? 0) > sizeBytes - offsetBytes) {
      const range = `${lengthBytes ?? 'the'} bytes from ${offsetBytes}`;
      throw new BlockError('OUT_OF_BOUNDS', `${range} end past the ${sizeBytes} bytes of ${name}`);
    }
    this.device = device;
    this.sectorSize = sectorSize;
    this.offsetBytes = offsetBytes;
    this.lengthBytes = lengthBytes ?? sizeBytes - offsetBytes;
  }

  /** The device's sector that holds byte `at` of the view. */
  sectorOf(at: number): number {
    return Math.floor((this.offsetBytes + at) / this.sectorSize);
  }

  /**
   * `length` bytes from `at` on, read into `scratch`, which has room for them as whole sectors. `at` must be the start of a
   * sector.
   */
  async read(at: number, length: number, scratch: Uint8Array): Promise<Uint8Array> {
    const wholeSectors = Math.ceil(length / this.sectorSize) * this.sectorSize;
    const present = Math.max(0, Math.min(wholeSectors, this.lengthBytes - at));
    if (present > 0) await this.device.read(this.sectorOf(at), [scratch.subarray(0, present)]);
    if (present < length) scratch.fill(0, present, length);
    return scratch.subarray(0, length);
  }

  /** Writes whole sectors. */
  write(at: number, bytes: Uint8Array): Promise<void> {
    return this.device.write(this.sectorOf(at), [bytes]);
  }

  /** Makes whole sectors read as zeroes, and gives their space back where the device can. */
  discard(at: number, length: number): Promise<void> {
    return this.device.discard(this.sectorOf(at), length / this.sectorSize);
  }

  /** Makes whole sectors read as zeroes. */
  writeZeroes(at: number, length: number): Promise<void> {
    return this.device.writeZeroes(this.sectorOf(at), length / this.sectorSize);
  }

  /** Whether the device knows all bytes from `start` to `end` to be zero. */
  async isKnownZero(start: number, end: number): Promise<boolean> {
    for await (const run of this.extents(start, end)) if (!run.zero) return false;
    return true;
  }

  /** What the device tells of the bytes from `start` to `end`: runs that cover them exactly. Neighbours may be of one kind. */
  async *extents(start: number, end: number): AsyncGenerator<ByteRun> {
    const presentEnd = Math.max(start, Math.min(end, this.lengthBytes));
    if (start < presentEnd) {
      const first = this.sectorOf(start);
      const count = this.sectorOf(presentEnd - 1) + 1 - first;
      for await (const extent of walkExtents(this.device, first, count)) {
        const runStart = extent.start * this.sectorSize - this.offsetBytes;
        yield {
          start: Math.max(runStart, start),
          end: Math.min(runStart + extent.count * this.sectorSize, presentEnd),
          zero: extent.type === 'zero',
        };
      }
    }
    if (presentEnd < end) yield { start: presentEnd, end, zero: true };
  }
}
