import { BlockError, isBlockError } from '@blockyard/block';
import type { LogRoot } from '../format/root.js';
import type { LogPlace } from './options.js';
import { type FoundVolume, findVolume, nameOf } from './volume-place.js';

/** Times that the root is read anew, since what it referred to was cleaned away. */
const LOOKS_MAX = 4;

/** What was read of a volume, and the root that it was read by. */
export interface Current<T> {
  readonly volume: FoundVolume;
  readonly loaded: T;
}

/**
 * Reads what a root refers to, beside a writer: again where another checkpoint has taken the place of the one that the root names.
 * Segments that follow on a checkpoint are deleted only once there is a newer one. So where there is none by the end, a segment
 * that was absent was the end of the log, and had not been cleaned away.
 *
 * Rejects as `load` does, with `NOT_FOUND` if the volume is gone or another one is in its place, and with `UNAVAILABLE` if there is
 * a new checkpoint each time.
 *
 * @param isFinal whether what `load` reads of such a root has an end that the root tells. Default: all that it refers to has
 */
export async function whileCurrent<T>(
  found: FoundVolume,
  place: LogPlace,
  load: (volume: FoundVolume) => Promise<T>,
  isFinal: (root: LogRoot) => boolean = hasEnded,
): Promise<Current<T>> {
  let volume = found;
  for (let looks = 1; ; looks++) {
    let failure: unknown;
    let loaded: T | undefined;
    try {
      loaded = await load(volume);
      if (isFinal(volume.found.root)) return { volume, loaded };
    } catch (error) {
      if (!mayBeGone(error)) throw error;
      failure = error;
    }
    const next = await findAgain(volume, place);
    if (failure === undefined && isSameCheckpoint(next, volume)) return { volume, loaded: loaded as T };
    if (failure !== undefined && next.found.root.changeId === volume.found.root.changeId) throw failure;
    if (looks === LOOKS_MAX) {
      throw failure ?? new BlockError('UNAVAILABLE', `${nameOf(place)} is changing all the time`);
    }
    volume = next;
  }
}

/** Whether the root tells where the log ends. */
function hasEnded({ epochs }: LogRoot): boolean {
  return epochs.at(-1)?.end !== null;
}

/** The volume as its root is now. `NOT_FOUND` if that is of another volume. */
export async function findAgain(before: FoundVolume, place: LogPlace): Promise<FoundVolume> {
  const volume = await findVolume(place, before);
  if (volume.found.root.volumeId === before.found.root.volumeId) return volume;
  throw new BlockError('NOT_FOUND', `${nameOf(place)} was deleted, and is another volume now`);
}

export function isSameCheckpoint(a: FoundVolume, b: FoundVolume): boolean {
  return a.found.root.checkpoint?.generation === b.found.root.checkpoint?.generation;
}

/** Whether that may be since a writer has made another checkpoint, and deleted what the one before needed. */
export function mayBeGone(error: unknown): boolean {
  return isBlockError(error, 'CORRUPT') || isBlockError(error, 'NOT_FOUND');
}
