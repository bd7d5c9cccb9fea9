import { BlockError, IntervalSet } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import { MAX_BATCH_KEYS, type ObjectStore } from '@blockyard/object-store';
import type { Geometry } from '../layout/geometry.js';
import { dataKey, type Keys } from '../layout/keys.js';
import type { ObjectFormat } from './format.js';
import type { KnownObjects } from './known-objects.js';
import { type ListingSplit, listObjects } from './listing.js';
import { fitsV1 } from './object-v1.js';

/**
 * Keys in a page of the second listing: another number than that of the first, so that its pages and ranges end elsewhere, and
 * what the store or a cache on the way gives wrongly for one request is not asked for again.
 */
const SECOND_KEYS_MAX = 750;

/** Objects in which two listings may differ. Each of them is asked for by itself. */
export const DIFFERENT_MAX = 1000;

export interface FindObjectsParts {
  readonly store: Pick<ObjectStore, 'list' | 'head' | 'urlOf'>;
  readonly keys: Keys;
  readonly geometry: Geometry;
  readonly format: ObjectFormat;
  readonly known: KnownObjects;
  /** Reads once more how many objects were counted: a volume that is opened read-only may be changed meanwhile. */
  countAgain(): Promise<number | null>;
  /** Whether objects that were counted and are not there count as zeroes. */
  readonly acceptMissing: boolean;
}

/**
 * Finds out which data objects exist, and tells `known`. `count`: how many there were at the last clean end, or null if no one
 * counted.
 *
 * What a listing lacks reads as zeroes without any further request, so one listing alone is not believed. It must have as many
 * objects as were counted. Where it has fewer, or no one has counted, as after a crash, the volume is listed once more, in
 * other pages, and what one listing has and the other lacks is asked for by itself.
 *
 * `CORRUPT` if there are fewer objects than were counted all the same, unless that is accepted, or if the listings have little
 * to do with each other. More objects are no loss: a late write, or a listing that still has what was deleted. Of those that
 * turn out not to exist as many are taken for deleted as there are too many.
 */
export async function findObjects(
  parts: FindObjectsParts,
  count: number | null,
  maxConcurrency: number,
): Promise<void> {
  const { known } = parts;
  const listFirst = () => list(parts, { maxConcurrency, maxKeys: MAX_BATCH_KEYS });
  const listSecond = () => list(parts, { maxConcurrency, maxKeys: SECOND_KEYS_MAX });
  if (count === null) {
    const [first, second] = await Promise.all([listFirst(), listSecond()]);
    return settle(parts, first, second, maxConcurrency);
  }
  const first = await listFirst();
  if (first.totalLength < count) await settle(parts, first, await listSecond(), maxConcurrency);
  const found = known.listedCount;
  if (found >= count) return known.expectMissing(found - count);
  if (parts.acceptMissing || (await parts.countAgain()) !== count) return;
  throw corrupt(
    parts,
    `${found} objects are there, and ${count} were there at the last clean end; with acceptMissingObjects the volume opens, and those that are missing read as zeroes`,
  );
}

async function list(
  { store, keys, geometry, format, known }: FindObjectsParts,
  split: ListingSplit,
): Promise<IntervalSet> {
  const found = new IntervalSet();
  const visit = ({ index, etag, sizeBytes }: { index: number; etag: string; sizeBytes: number }) => {
    found.add(index, index + 1);
    known.listed(index, etag);
    // A guess, to read it at the right place the first time. Its stamp will tell.
    if (fitsV1(sizeBytes, geometry) && !format.fits(sizeBytes, geometry.sectorSize)) known.learnFormat(index, true);
  };
  await listObjects(store, keys, geometry, visit, split);
  return found;
}

/** Asks for each object that only one of two listings has. */
async function settle(
  parts: FindObjectsParts,
  first: IntervalSet,
  second: IntervalSet,
  maxConcurrency: number,
): Promise<void> {
  const { store, keys, known } = parts;
  const different = [...onlyIn(first, second), ...onlyIn(second, first)];
  if (different.length > DIFFERENT_MAX) {
    throw corrupt(
      parts,
      `two listings have ${first.totalLength} and ${second.totalLength} objects, and differ in more than ${DIFFERENT_MAX}`,
    );
  }
  await forEachParallel(different, { maxConcurrency }, async (index) => {
    const version = await store.head(dataKey(keys, index));
    if (version === undefined) known.notListed(index);
    else known.listed(index, version.etag);
  });
}

/** What is in one set and not in the other: one more than the most that is of interest, at most. */
function onlyIn(one: IntervalSet, other: IntervalSet): number[] {
  const found: number[] = [];
  for (const { start, end } of one) {
    for (const run of other.runs(start, end)) {
      for (let index = run.start; !run.inside && index < run.end; index++) {
        found.push(index);
        if (found.length > DIFFERENT_MAX) return found;
      }
    }
  }
  return found;
}

function corrupt({ store, keys }: FindObjectsParts, what: string): BlockError {
  return new BlockError('CORRUPT', `${store.urlOf(keys.dataPrefix)}: ${what}`);
}
