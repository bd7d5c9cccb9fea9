import { BlockError } from '@blockyard/block';
import type { BufferPart } from './geometry.js';
import { dataKey } from './keys.js';
import type { VolumeParts } from './object-writer.js';
import { HEADER_BYTES } from './stamp.js';
import { busy } from './store.js';

/** Reads parts of data objects, each with one GET of that range; none for what does not exist. */
export class ObjectReader {
  readonly #parts: VolumeParts;

  constructor(parts: VolumeParts) {
    this.#parts = parts;
  }

  /** Whether the part has to be fetched. If not, it was filled with zeroes. */
  needsFetch({ index, buffers }: BufferPart): boolean {
    if (this.#parts.known.mayExist(index)) return true;
    for (const buffer of buffers) buffer.fill(0);
    return false;
  }

  async fetch(part: BufferPart): Promise<void> {
    if ((await this.#fetch(part)) === 'fetched') return;
    // The object may have been deleted, and even made again, between the question and the answer, or is being replaced. Nobody
    // changes it while its lock is held, so then the answer is final.
    await this.#parts.locks.run(part.index, () => this.#fetchAlone(part));
  }

  async #fetchAlone(part: BufferPart): Promise<void> {
    const { store, keys, known, guard } = this.#parts;
    if (!this.needsFetch(part)) return;
    const outcome = await this.#fetch(part);
    if (outcome === 'fetched') return;
    if (outcome === 'busy') throw busy(store.urlOf(dataKey(keys, part.index)));
    if (!known.isDoubtful(part.index)) await guard.missing(part.index);
    for (const buffer of part.buffers) buffer.fill(0);
  }

  async #fetch({ index, offset, buffers }: BufferPart): Promise<'fetched' | 'missing' | 'busy'> {
    const { store, keys, slots, guard, geometry } = this.#parts;
    const key = dataKey(keys, index);
    const version = await slots.run(() => store.get(key, buffers, HEADER_BYTES + offset));
    if (version === undefined) return 'missing';
    if (version === 'busy') return version;
    if (version === 'beyond') return 'fetched';
    if (version.sizeBytes > HEADER_BYTES + geometry.objectSizeBytes) {
      throw new BlockError(
        'CORRUPT',
        `${store.urlOf(key)}: has ${version.sizeBytes} bytes, more than an object can have`,
      );
    }
    guard.check(index, version);
    return 'fetched';
  }
}
