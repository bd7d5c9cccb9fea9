import { BLOCKS_PER_PART, HEAD_BYTES, type Layout } from '../format/layout.js';
import type { Head } from '../format/record.js';
import type { RecordReader } from '../reading/record-reader.js';
import { hashOf } from '../table/hash.js';
import { blockOf, type Occupant, type PartTable } from '../table/part-table.js';
import { maxDataBytes, type NewRange, recordBytes } from './range.js';

/** Of a region that is evicted so much may be carried on: the rest makes room. */
const MAX_CARRIED_SHARE = 0.5;

/**
 * Evicts a region. Gives what of it was used since it was written, hottest first up to a bound, to be written again; it has to
 * be used again to be carried on once more.
 */
export async function evict(
  region: number,
  layout: Layout,
  table: PartTable,
  reader: RecordReader,
): Promise<readonly NewRange[]> {
  const first = layout.startOf(region) / HEAD_BYTES;
  const occupants = table.within(first, first + layout.regionBytes / HEAD_BYTES);
  const carried = await read(hottest(occupants, layout), layout, reader);
  // What was forgotten meanwhile is not carried on.
  const kept = carried.filter(({ occupant }) => table.has(occupant.hash, occupant.unit));
  for (const { hash, unit } of table.within(first, first + layout.regionBytes / HEAD_BYTES)) table.remove(hash, unit);
  return kept.map(({ range }) => range);
}

function hottest(occupants: readonly Occupant[], layout: Layout): Occupant[] {
  let left = layout.regionBytes * MAX_CARRIED_SHARE;
  const chosen: Occupant[] = [];
  for (const each of occupants.filter(({ uses }) => uses > 0).sort((a, b) => b.uses - a.uses)) {
    left -= recordBytes(maxDataBytes(layout, each.firstStep, each.lastStep));
    if (left < 0) break;
    chosen.push(each);
  }
  return chosen.sort((a, b) => a.unit - b.unit);
}

interface Carried {
  readonly occupant: Occupant;
  readonly range: NewRange;
}

/** A medium that cannot be read now loses them. */
async function read(chosen: readonly Occupant[], layout: Layout, reader: RecordReader): Promise<Carried[]> {
  const wanted = chosen.map((each) => ({ ...each, start: 0, end: layout.partBytes }));
  const results = await reader.read(wanted, isOccupant).catch(() => []);
  return results.flatMap((result, i) => {
    const occupant = chosen[i];
    if (typeof result === 'string' || occupant === undefined) return [];
    const { identity, part, version } = result.head;
    const object = { bytes: identity, ...wordsOf(identity) };
    // A copy: what was read in one call is mostly not carried on.
    const bytes = Uint8Array.from(result.bytes);
    return [{ occupant, range: { object, part, version, offset: result.offset, bytes, uses: 0 } }];
  });
}

function isOccupant(head: Head, { hash, firstStep }: Occupant): boolean {
  const { word0, word1 } = wordsOf(head.identity);
  return hashOf(word0, word1, head.part * BLOCKS_PER_PART + blockOf(firstStep)) === hash;
}

function wordsOf(identity: Uint8Array): { readonly word0: number; readonly word1: number } {
  const view = new DataView(identity.buffer, identity.byteOffset);
  return { word0: view.getUint32(0, true), word1: view.getUint32(4, true) };
}
