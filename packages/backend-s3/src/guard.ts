import { BlockError } from '@blockyard/block';
import type { Fence } from './fence.js';
import { dataKey, type Keys } from './keys.js';
import type { RootObject } from './root-object.js';
import type { ObjectStore } from './store.js';
import type { Version } from './version.js';

/** Says of what is found in the store whether it is as it must be, and whose doing it is if not. */
export class Guard {
  readonly #store: ObjectStore;
  readonly #keys: Keys;
  readonly #root: RootObject;
  readonly #fence: Fence;
  readonly #readOnly: boolean;

  constructor(store: ObjectStore, keys: Keys, root: RootObject, fence: Fence, readOnly: boolean) {
    this.#store = store;
    this.#keys = keys;
    this.#root = root;
    this.#fence = fence;
    this.#readOnly = readOnly;
  }

  /** Throws `FENCED` if a later writer made this version, `CORRUPT` if it is not of this volume. */
  check(index: number, { stamp }: Version): void {
    const { volumeId, writerEpoch } = this.#root.root;
    if (stamp === undefined) throw new BlockError('CORRUPT', `${this.#url(index)}: has no stamp of a writer`);
    if (stamp.volumeId !== volumeId) {
      throw new BlockError('CORRUPT', `${this.#url(index)}: belongs to volume ${stamp.volumeId}, not to ${volumeId}`);
    }
    if (stamp.epoch <= writerEpoch || this.#readOnly) return;
    this.#fence.raise(`${this.#url(index)} was written in epoch ${stamp.epoch}, ours was ${writerEpoch}`);
  }

  /**
   * For an object that must exist and does not: throws `FENCED` if there is another writer, who may have discarded it.
   *
   * Otherwise `CORRUPT`. A read-only connection cannot tell a discard from a loss, and to take a loss for zeroes would be the
   * worse mistake.
   */
  async missing(index: number): Promise<never> {
    if (this.#readOnly) {
      throw new BlockError(
        'CORRUPT',
        `${this.#url(index)}: was there when this read-only connection was made and is gone; connect again to see the volume as it is now`,
      );
    }
    await this.#root.verify();
    throw new BlockError('CORRUPT', `${this.#url(index)}: is gone, and this writer has not deleted it`);
  }

  #url(index: number): string {
    return this.#store.urlOf(dataKey(this.#keys, index));
  }
}
