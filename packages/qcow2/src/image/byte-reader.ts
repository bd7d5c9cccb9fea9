import { type BlockDevice, byteLengthOf, sliceBuffers } from '@blockyard/block';
import { corrupt } from '../format/bytes.js';

/** Bytes that are read at once where sectors do not begin and end as the bytes do that are asked for. */
const BOUNCE_BYTES = 1 << 20;

/** Any bytes of a device, which itself reads whole sectors. What lies past its end is `CORRUPT`, never zeroes. */
export class ByteReader {
  readonly sizeBytes: number;
  readonly #device: BlockDevice;
  readonly #sectorSize: number;

  constructor(device: BlockDevice) {
    const { sectorSize, sizeSectors } = device.info;
    this.#device = device;
    this.#sectorSize = sectorSize;
    this.sizeBytes = sizeSectors * sectorSize;
  }

  /** Throws `CORRUPT` unless `length` bytes from `offset` on are there. `what` says in the message what they are. */
  check(offset: number, length: number, what: string): void {
    if (offset <= this.sizeBytes && length <= this.sizeBytes - offset) return;
    throw corrupt(`${what} at byte ${offset} ends past the ${this.sizeBytes} bytes that are there`);
  }

  /** A copy of `length` bytes: few enough to be held in memory. */
  async read(offset: number, length: number, what: string): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    await this.readInto(offset, [bytes], what);
    return bytes;
  }

  /** Fills the buffers, one after the other, with the bytes from `offset` on. */
  async readInto(offset: number, buffers: readonly Uint8Array[], what: string): Promise<void> {
    const length = byteLengthOf(buffers);
    this.check(offset, length, what);
    const isAligned = (bytes: number) => bytes % this.#sectorSize === 0;
    if (isAligned(offset) && buffers.every(({ byteLength }) => isAligned(byteLength))) {
      await this.#device.read(offset / this.#sectorSize, buffers);
      return;
    }
    for (let done = 0; done < length; ) {
      const take = Math.min(length - done, BOUNCE_BYTES);
      await this.#bounce(offset + done, sliceBuffers(buffers, done, take), take);
      done += take;
    }
  }

  /** By way of whole sectors in memory of its own. */
  async #bounce(offset: number, buffers: readonly Uint8Array[], length: number): Promise<void> {
    const first = Math.floor(offset / this.#sectorSize);
    const end = Math.ceil((offset + length) / this.#sectorSize);
    const sectors = new Uint8Array((end - first) * this.#sectorSize);
    await this.#device.read(first, [sectors]);
    let at = offset - first * this.#sectorSize;
    for (const buffer of buffers) {
      buffer.set(sectors.subarray(at, at + buffer.byteLength));
      at += buffer.byteLength;
    }
  }
}
