import { BlockError, invariant, isBlockError } from '@blockyard/block';
import type { Change, ChangePlace } from '../changes/change.js';
import { crc32 } from '../format/crc32.js';
import { inRing, roundDown, roundUp } from '../format/layout.js';
import type { Medium } from './medium.js';

/** What of the format is needed to find a change on the medium. */
export interface RingFacts {
  readonly unit: number;
  readonly baseSectorSize: number;
  readonly ringStart: number;
  readonly ringEnd: number;
}

/** Reads changes that only the medium has. What is not what was written is `CORRUPT`, never something else. */
export class ChangeReader {
  readonly #medium: Medium;
  readonly #ring: RingFacts;

  constructor(medium: Medium, ring: RingFacts) {
    this.#medium = medium;
    this.#ring = ring;
  }

  /** Sectors of a change with data, checked: `count` of them from the change's sector `first` on. */
  async read(change: Change, first = 0, count = change.count): Promise<Uint8Array> {
    const { place } = change;
    invariant(place !== undefined, 'a change is in memory, or in the log');
    try {
      return await this.#read(place, first, count);
    } catch (error) {
      throw asDamage(error, change);
    }
  }

  async #read({ record, offset, extents }: ChangePlace, first: number, count: number): Promise<Uint8Array> {
    const { unit, baseSectorSize } = this.#ring;
    const sectorsBefore = (index: number) => extents.slice(0, index).reduce((sum, extent) => sum + extent.count, 0);
    let from = 0;
    while (sectorsBefore(from + 1) <= first) from++;
    let to = from + 1;
    while (sectorsBefore(to) < first + count) to++;
    const start = offset + sectorsBefore(from) * baseSectorSize;
    const end = offset + sectorsBefore(to) * baseSectorSize;
    const readStart = roundDown(start, unit);
    const at = inRing(this.#ring, record.at) + readStart;
    const bytes = await this.#medium.read(at, roundUp(end, unit) - readStart);
    let done = start - readStart;
    for (const extent of extents.slice(from, to)) {
      const length = extent.count * baseSectorSize;
      if (crc32(bytes.subarray(done, done + length)) !== extent.crc) {
        throw new BlockError('CORRUPT', `the record ${record.sequence} of the write log is damaged`);
      }
      done += length;
    }
    const skip = start - readStart + (first - sectorsBefore(from)) * baseSectorSize;
    return bytes.subarray(skip, skip + count * baseSectorSize);
  }
}

/** What cannot be read now may be readable later; else it is lost, and the base has something older. */
function asDamage(error: unknown, { start, count }: Change): unknown {
  if (isBlockError(error) && (error.retryable || error.code === 'CORRUPT' || error.code === 'DISCONNECTED'))
    return error;
  const range = `${count} sectors from ${start} of the base`;
  return new BlockError('CORRUPT', `the write log cannot be read where it has ${range}`, { cause: error });
}
