import { type BlockDevice, BlockError } from '@blockyard/block';
import { Semaphore } from '@blockyard/block/async';

/**
 * Any bytes of a device. Changes go one after the other, so that two that share a sector, each of another part of it, both take
 * place.
 */
export class ByteAccess {
  readonly #device: BlockDevice;
  readonly #changes = new Semaphore(1);

  constructor(device: BlockDevice) {
    this.#device = device;
  }

  get sizeBytes(): number {
    const { sectorSize, sizeSectors } = this.#device.info;
    return sectorSize * sizeSectors;
  }

  /** Fills `bytes` with those from `offset` on. Rejects with `OUT_OF_BOUNDS`, and as the device does. */
  async read(offset: number, bytes: Uint8Array): Promise<void> {
    this.#check(offset, bytes.byteLength);
    const { sectorSize } = this.#device.info;
    if (offset % sectorSize === 0 && bytes.byteLength % sectorSize === 0) {
      await this.#device.read(offset / sectorSize, [bytes]);
      return;
    }
    const { first, skipBytes, sectors } = await this.#sectorsOf(offset, bytes.byteLength);
    await this.#device.read(first, [sectors]);
    bytes.set(sectors.subarray(skipBytes, skipBytes + bytes.byteLength));
  }

  /** Writes `bytes` from `offset` on. Rejects with `OUT_OF_BOUNDS`, and as the device does. */
  write(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#changes.run(async () => {
      this.#check(offset, bytes.byteLength);
      const { sectorSize } = this.#device.info;
      if (offset % sectorSize === 0 && bytes.byteLength % sectorSize === 0) {
        await this.#device.write(offset / sectorSize, [bytes]);
        return;
      }
      const { first, skipBytes, sectors } = await this.#sectorsOf(offset, bytes.byteLength);
      await this.#device.read(first, [sectors]);
      sectors.set(bytes, skipBytes);
      await this.#device.write(first, [sectors]);
    });
  }

  /** Makes `length` bytes read as zeroes; whole sectors by a discard. */
  async zero(offset: number, length: number): Promise<void> {
    this.#check(offset, length);
    const { sectorSize } = this.#device.info;
    const end = offset + length;
    const wholeStart = Math.min(end, Math.ceil(offset / sectorSize) * sectorSize);
    const wholeEnd = Math.max(wholeStart, Math.floor(end / sectorSize) * sectorSize);
    if (offset < wholeStart) await this.write(offset, new Uint8Array(wholeStart - offset));
    await this.#changes.run(() =>
      this.#device.discard(wholeStart / sectorSize, Math.floor((wholeEnd - wholeStart) / sectorSize)),
    );
    if (wholeEnd < end) await this.write(wholeEnd, new Uint8Array(end - wholeEnd));
  }

  #check(offset: number, length: number): void {
    const isRange = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
    if (isRange && length <= this.sizeBytes - offset) return;
    throw new BlockError('OUT_OF_BOUNDS', `${length} bytes from ${offset} are not within ${this.sizeBytes}`);
  }

  /** Memory for the sectors that the bytes touch. */
  async #sectorsOf(offset: number, length: number) {
    const { sectorSize } = this.#device.info;
    const first = Math.floor(offset / sectorSize);
    const end = Math.ceil((offset + length) / sectorSize);
    return { first, skipBytes: offset - first * sectorSize, sectors: new Uint8Array((end - first) * sectorSize) };
  }
}
