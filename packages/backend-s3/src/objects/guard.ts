import { BlockError } from '@blockyard/block';
import type { RootObject } from '@blockyard/volume-root';
import type { Geometry } from '../layout/geometry.js';
import type { Stamp } from '../layout/stamp.js';
import type { Root } from '../root/root.js';
import type { DataObjects } from './data-objects.js';
import type { ObjectFormat } from './format.js';
import { fitsV1, HEADER_BYTES_V1 } from './object-v1.js';
import type { Version } from './version.js';

interface GuardParts {
  readonly objects: Pick<DataObjects, 'urlOf'>;
  readonly root: {
    readonly root: Pick<Root, 'volumeId' | 'writerEpoch' | 'opening'>;
    readonly verify: RootObject<Root>['verify'];
  };
  readonly geometry: Geometry;
  readonly format: ObjectFormat;
}

/**
 * Displaced writers that are remembered. After a root was put back there are few; the least recently met is asked about again.
 */
export const DISPLACED_MAX = 64;

/**
 * Says of what is found in the store whether it is as it must be, and whose doing it is if not.
 *
 * An object of a higher epoch than ours, or of ours but of another opening, has one of two reasons. A later writer has the
 * volume. Or the root was put back to an earlier version, and this opening began there: then the epochs of the writers before
 * it begin anew, and what they stored looks like the work of a later one. Only the root can tell:
 *
 * - It is not ours: the other writer came after us, or is ahead of us in any case. `FENCED`.
 * - It is ours: the other opening is displaced. It wrote the object after its own compare-and-swap on the root, so that came
 *   before this look; and the look found the root ours, so it holds no longer. An opening is random and used once: that one
 *   becomes the owner again only if someone puts its own root back, and then our next look says `FENCED`. So it is remembered,
 *   and its objects count as those of an earlier opening do, whatever their epoch: as late writes, or as data to build upon.
 *
 * An object of version 1 does not name its opening. There the look holds for that one version of the object, known by its write
 * id.
 */
export class Guard {
  readonly #objects: GuardParts['objects'];
  readonly #root: GuardParts['root'];
  readonly #geometry: Geometry;
  readonly #format: ObjectFormat;
  readonly #readOnly: boolean;
  /** Openings, and write ids of version 1, that the root has displaced. Least recently learnt first. */
  readonly #displaced = new Set<string>();

  constructor(parts: GuardParts, readOnly: boolean) {
    this.#objects = parts.objects;
    this.#root = parts.root;
    this.#geometry = parts.geometry;
    this.#format = parts.format;
    this.#readOnly = readOnly;
  }

  /**
   * Rejects with `CORRUPT` if this version is not the object of that number of this volume, or not of the length that it must
   * have; with `FENCED` if its writer has displaced this one; with what the look at the root failed with, where one was needed.
   */
  async check(index: number, version: Version): Promise<void> {
    this.checkShape(index, version);
    if (this.isContested(version)) await this.settle(index, version);
  }

  /** Throws `CORRUPT` as `check` does. For where there is no time to wait; `isContested` says whether `settle` is to follow. */
  checkShape(index: number, version: Version): void {
    const { volumeId } = this.#root.root;
    const { stamp } = version;
    if (stamp === undefined) throw this.#corrupt(index, 'has no stamp of a writer, or a damaged one');
    if (stamp.volumeId !== volumeId)
      throw this.#corrupt(index, `belongs to volume ${stamp.volumeId}, not to ${volumeId}`);
    if (stamp.data !== undefined && stamp.data.index !== index) {
      throw this.#corrupt(index, `is object ${stamp.data.index}, not ${index}`);
    }
    this.#checkLength(index, version);
  }

  /** Whether only the root can tell if the writer of this version has displaced this one. */
  isContested({ stamp }: Version): boolean {
    if (this.#readOnly || stamp === undefined) return false;
    const { writerEpoch, opening } = this.#root.root;
    if (stamp.epoch < writerEpoch) return false;
    if (stamp.epoch === writerEpoch && stamp.data?.opening === opening) return false;
    return !this.#displaced.has(openingOf(stamp));
  }

  /**
   * Looks at the root for a version that is contested. Resolves if its writer is displaced; rejects with `FENCED` if we are.
   */
  async settle(index: number, { stamp }: Version): Promise<void> {
    if (stamp === undefined) throw this.#corrupt(index, 'has no stamp of a writer, or a damaged one');
    await this.#root.verify();
    const opening = openingOf(stamp);
    this.#displaced.delete(opening);
    this.#displaced.add(opening);
    if (this.#displaced.size <= DISPLACED_MAX) return;
    const [oldest] = this.#displaced;
    if (oldest !== undefined) this.#displaced.delete(oldest);
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

  #corrupt(index: number, what: string): BlockError {
    return new BlockError('CORRUPT', `${this.#objects.urlOf(index)}: ${what}`);
  }
}

function openingOf({ data, writeId }: Stamp): string {
  return data?.opening ?? writeId;
}
