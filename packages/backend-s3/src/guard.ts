import { BlockError } from '@blockyard/block';
import type { Fence } from './fence.js';
import type { Geometry } from './geometry.js';
import { dataKey, type Keys } from './keys.js';
import type { ObjectFormat } from './object-format.js';
import { fitsV1, HEADER_BYTES_V1 } from './object-v1.js';
import type { VolumeParts } from './object-writer.js';
import type { RootObject } from './root-object.js';
import type { Stamp } from './stamp.js';
import type { ObjectStore } from './store.js';
import type { Version } from './version.js';

type GuardParts = Pick<VolumeParts, 'store' | 'keys' | 'root' | 'fence' | 'geometry' | 'format'>;

/** Says of what is found in the store whether it is as it must be, and whose doing it is if not. */
export class Guard {
  readonly #store: ObjectStore;
  readonly #keys: Keys;
  readonly #root: RootObject;
  readonly #fence: Fence;
  readonly #geometry: Geometry;
  readonly #format: ObjectFormat;
  readonly #readOnly: boolean;

  constructor(parts: GuardParts, readOnly: boolean) {
    this.#store = parts.store;
    this.#keys = parts.keys;
    this.#root = parts.root;
    this.#fence = parts.fence;
    this.#geometry = parts.geometry;
    this.#format = parts.format;
    this.#readOnly = readOnly;
  }

  /**
   * Throws `CORRUPT` if this version is not the object of that number of this volume, or not of the length that it must have;
   * `FENCED` if another writer made it that came after this one, or at the same time.
   */
  check(index: number, version: Version): void {
    const { volumeId } = this.#root.root;
    const { stamp } = version;
    if (stamp === undefined) throw this.#corrupt(index, 'has no stamp of a writer, or a damaged one');
    if (stamp.volumeId !== volumeId)
      throw this.#corrupt(index, `belongs to volume ${stamp.volumeId}, not to ${volumeId}`);
    if (stamp.data !== undefined && stamp.data.index !== index) {
      throw this.#corrupt(index, `is object ${stamp.data.index}, not ${index}`);
    }
    this.#checkLength(index, version);
    if (!this.#readOnly) this.#checkWriter(index, stamp);
  }

  /** Whether this opening wrote the version. */
  isOwn({ stamp }: Version): boolean {
    const { writerEpoch, opening } = this.#root.root;
    return !this.#readOnly && stamp?.epoch === writerEpoch && stamp.data?.opening === opening;
  }

  /**
   * For an object that must exist, and that the store says does not: throws `FENCED` if there is another writer, who may have
   * discarded it.
   *
   * Otherwise `CORRUPT`. A read-only connection cannot tell a discard from a loss, and to take a loss for zeroes would be the
   * worse mistake.
   */
  async missing(index: number): Promise<never> {
    if (this.#readOnly) {
      throw this.#corrupt(
        index,
        'was there when this read-only connection was made and is gone; connect again to see the volume as it is now',
      );
    }
    await this.#root.verify();
    throw this.#corrupt(index, 'is gone, and this writer has not deleted it');
  }

  #checkLength(index: number, { stamp, sizeBytes }: Version): void {
    const { sectorSize, objectSizeBytes } = this.#geometry;
    if (stamp?.data === undefined) {
      if (fitsV1(sizeBytes, this.#geometry)) return;
      const most = HEADER_BYTES_V1 + objectSizeBytes;
      throw this.#corrupt(index, `has ${sizeBytes} bytes, not ${HEADER_BYTES_V1} and whole sectors, ${most} at most`);
    }
    const { dataBytes } = stamp.data;
    if (dataBytes > objectSizeBytes || dataBytes % sectorSize !== 0) {
      throw this.#corrupt(index, `has ${dataBytes} bytes of data, not whole sectors, ${objectSizeBytes} at most`);
    }
    const expectedBytes = this.#format.objectBytes(dataBytes);
    if (sizeBytes !== expectedBytes) throw this.#corrupt(index, `has ${sizeBytes} bytes, not ${expectedBytes}`);
  }

  #checkWriter(index: number, { epoch, data }: Stamp): void {
    const { writerEpoch, opening } = this.#root.root;
    if (epoch > writerEpoch) {
      this.#fence.raise(`${this.#url(index)} was written in epoch ${epoch}, ours was ${writerEpoch}`);
    }
    // Where the root was put back to an earlier version, and the volume was opened from there once more.
    if (epoch === writerEpoch && data?.opening !== opening) {
      this.#fence.raise(`${this.#url(index)} was written in epoch ${epoch} as ours is, but in another opening`);
    }
  }

  #corrupt(index: number, what: string): BlockError {
    return new BlockError('CORRUPT', `${this.#url(index)}: ${what}`);
  }

  #url(index: number): string {
    return this.#store.urlOf(dataKey(this.#keys, index));
  }
}
