import { BlockError, type Clock, isBlockError } from '@blockyard/block';
import type { LogRoot } from '../format/root.js';
import { ObjectGone } from '../objects/object-gone.js';
import type { ReplayLimits } from '../recovery/replay.js';
import { generationOf, NewerCheckpoints } from './newer-checkpoints.js';
import type { LogPlace } from './options.js';
import { Patience } from './patience.js';
import { type FoundVolume, findVolume, nameOf } from './volume-place.js';

/** What was read of a volume, and the root that it was read by. */
export interface Current<T> {
  readonly volume: FoundVolume;
  readonly loaded: T;
}

/** What is read of a volume. */
interface Reading<T> {
  readonly place: LogPlace;
  readonly clock: Clock;
  /** Reads the state, of the segments after the checkpoint those within the limits. */
  readonly load: (volume: FoundVolume, limits: ReplayLimits) => Promise<T>;
  /** Whether what `load` reads of such a root has an end that the root tells. Default: all that it refers to has. */
  readonly isFinal?: (root: LogRoot) => boolean;
  /** Number of the last segment that is known to be there: what is read does not end before. Default: 0. */
  readonly minThrough?: number;
}

/**
 * Reads what a root refers to, beside a writer, so that it has all that was flushed before the call. Where the log ends is told by
 * a segment that is absent; but one that was cleaned away is absent too. It was not cleaned away if what was read goes as far as
 * the checkpoint that the root names by the end: what follows on that one is kept until there is a newer one. Otherwise it is read
 * anew by that root, and at last no further than a checkpoint that has all of it in any case: see {@link NewerCheckpoints}.
 *
 * Rejects as `load` does, with `NOT_FOUND` if the volume is gone or another one is in its place, and with `UNAVAILABLE` if what is
 * being read is cleaned away each time, for a minute.
 */
export async function whileCurrent<T extends { readonly through: number }>(
  found: FoundVolume,
  { place, clock, load, isFinal = hasEnded, minThrough = 0 }: Reading<T>,
): Promise<Current<T>> {
  const patience = new Patience(clock);
  let volume = found;
  const newer = new NewerCheckpoints(found.found.root);
  for (;;) {
    let failure: unknown;
    let loaded: T | undefined;
    try {
      const { root } = volume.found;
      const through = Math.max(throughOf(root), minThrough);
      loaded = await load(volume, newer.hasAll ? { through } : {});
      if (isFinal(root) || (newer.hasAll && loaded.through >= through)) return { volume, loaded };
    } catch (error) {
      if (!mayBeGone(error)) throw error;
      failure = error;
    }
    const next = await findAgain(volume, place);
    if (loaded !== undefined && loaded.through >= throughOf(next.found.root)) return { volume, loaded };
    if (failure !== undefined && next.found.root.changeId === volume.found.root.changeId) throw failure;
    if (!(await patience.isLeft())) {
      throw failure === undefined || failure instanceof ObjectGone ? outrun(place, failure) : failure;
    }
    newer.saw(next.found.root);
    volume = next;
  }
}

/** What was to be read was cleaned away each time. */
export function outrun(place: LogPlace, cause: unknown): BlockError {
  return new BlockError('UNAVAILABLE', `${nameOf(place)} is changing all the time`, { cause });
}

/** Whether the root tells where the log ends. */
function hasEnded({ epochs }: LogRoot): boolean {
  return epochs.at(-1)?.end !== null;
}

function throughOf({ checkpoint }: LogRoot): number {
  return checkpoint?.through ?? 0;
}

/** The volume as its root is now. `NOT_FOUND` if that is of another volume. */
export async function findAgain(before: FoundVolume, place: LogPlace): Promise<FoundVolume> {
  const volume = await findVolume(place, before);
  if (volume.found.root.volumeId === before.found.root.volumeId) return volume;
  throw new BlockError('NOT_FOUND', `${nameOf(place)} was deleted, and is another volume now`);
}

export function isSameCheckpoint(a: FoundVolume, b: FoundVolume): boolean {
  return generationOf(a.found.root) === generationOf(b.found.root);
}

/** Whether that may be since a writer has made another checkpoint, and deleted what the one before needed. */
export function mayBeGone(error: unknown): boolean {
  return isBlockError(error, 'CORRUPT');
}
