import { BlockError } from '@blockyard/block';
import { newId } from '@blockyard/object-store';
import { changeRoot, systemVolumeClock, timeStamp, type VolumeClock } from '@blockyard/volume-root';
import { checkSnapshotName } from '../format/keys.js';
import type { LogRoot, SnapshotEntry } from '../format/root.js';
import { replay } from '../recovery/replay.js';
import {
  infoOf,
  type SnapshotInfo,
  snapshotOf,
  withMark,
  withoutMarks,
  withoutSnapshot,
  withSnapshot,
} from '../state/snapshot-entries.js';
import { loadState, type StateParts, type VolumeState } from '../state/volume-state.js';
import { NewerCheckpoints } from '../volume/newer-checkpoints.js';
import { checkPlaceOptions, type LogPlace } from '../volume/options.js';
import { Patience } from '../volume/patience.js';
import { mayBeGone } from '../volume/still-current.js';
import { type FoundVolume, findVolume, nameOf } from '../volume/volume-place.js';
import { findClone } from './pins.js';

/** Memory for a map of which only the end of the log is looked at. */
const MAP_BYTES = 1 << 20;

/**
 * Keeps the state that the volume has now under a name, beside a process that may have it open: what that one had flushed
 * before the call, and perhaps more. Costs a look at the end of the log and a change of the root, whatever the size.
 *
 * `ALREADY_EXISTS` if there is such a snapshot, `NO_SPACE` if there are 1,000, `INVALID_ARGUMENT` for a name
 * that cannot be, and what the store fails with.
 */
export async function takeSnapshot(options: LogPlace, name: string, clock = systemVolumeClock): Promise<SnapshotInfo> {
  checkSnapshotName(name);
  const place = checkPlaceOptions(options);
  try {
    let volume = await findVolume(place);
    const patience = new Patience(clock);
    const newer = new NewerCheckpoints(volume.found.root);
    // A checkpoint that was begun since has all that is to be kept: then no look at the log is needed.
    for (; !newer.hasAll; newer.saw(volume.found.root)) {
      const { root: before } = volume.found;
      try {
        const entry = await currentState(volume, name, clock);
        const root = await changeRoot(volume.place, (found) => {
          if (!isSameHistory(found, before)) throw new OtherCheckpoint();
          return withSnapshot(found, entry);
        });
        return infoOf(entry, root);
      } catch (error) {
        volume = await findVolume(place, volume);
        if (!(error instanceof OtherCheckpoint) && !isOutOfDate(error, before, volume.found.root)) throw error;
      }
      if (!(await patience.isLeft())) throw new BlockError('UNAVAILABLE', `${nameOf(place)} is changing all the time`);
    }
    const root = await changeRoot(volume.place, (found) => withSnapshot(found, checkpointAs(name, found, clock)));
    return infoOf(snapshotOf(root, name), root);
  } catch (error) {
    throw BlockError.from(error, { device: nameOf(place) });
  }
}

/** All snapshots, the oldest first. */
export async function listSnapshots(options: LogPlace): Promise<SnapshotInfo[]> {
  const place = checkPlaceOptions(options);
  const { found } = await findVolume(place);
  return found.root.snapshots.map((entry) => infoOf(entry, found.root));
}

/**
 * Gives a snapshot up. Its space comes back as the volume is cleaned. `NOT_FOUND` if there is none, `LOCKED` if a clone lives on
 * it.
 *
 * First it is marked, then pins are looked for; a clone writes its pin first, and then looks for the mark. So one of the two
 * sees the other, and does not go on. A mark has an id: where another process has put its own in its place, or taken that away
 * again, a clone may have begun, so the snapshot stays, and that is `LOCKED` too.
 */
export async function deleteSnapshot(options: LogPlace, name: string): Promise<void> {
  checkSnapshotName(name);
  const place = checkPlaceOptions(options);
  const volume = await findVolume(place);
  try {
    const deletion = newId();
    await changeRoot(volume.place, (root) => withMark(root, name, deletion));
    const clone = await findClone(volume, name);
    if (clone !== undefined) {
      await changeRoot(volume.place, (root) => withoutMarks(root, deletion));
      throw new BlockError('LOCKED', `${clone} lives on snapshot ${name}`);
    }
    await changeRoot(volume.place, (root) => withoutSnapshot(root, name, deletion));
  } catch (error) {
    throw BlockError.from(error, { device: nameOf(place) });
  }
}

/** The state of a snapshot as this volume has it: its checkpoint, with the segments after it. */
export async function stateOfSnapshot(
  volume: FoundVolume,
  entry: SnapshotEntry,
  limits: Pick<StateParts, 'maxMapBytes' | 'clock'>,
): Promise<VolumeState> {
  const { store, places, sealing, found, replayParts } = volume;
  const state = await loadState({ store, places, sealing, ...limits }, found.root, entry.checkpoint);
  await replay(replayParts, state, entry.epochs, { through: entry.through });
  if (state.through < entry.through) {
    throw new BlockError('CORRUPT', `segment ${state.through + 1} of snapshot ${entry.name} is gone`);
  }
  state.sizeSectors = entry.sizeSectors;
  return state;
}

/** What is stored at this moment: the checkpoint, and the segments that follow on it. */
async function currentState(volume: FoundVolume, name: string, clock: VolumeClock): Promise<SnapshotEntry> {
  const { store, places, sealing, found, replayParts } = volume;
  const { checkpoint, epochs } = found.root;
  const state = await loadState({ store, places, sealing, maxMapBytes: MAP_BYTES }, found.root, checkpoint);
  await replay(replayParts, state, epochs);
  return {
    name,
    checkpoint,
    epochs: endedAt(epochs, state.through),
    through: state.through,
    sizeSectors: state.sizeSectors,
    created: timeStamp(clock),
    deletion: null,
  };
}

/** The spans of a history that ends with that segment. */
export function endedAt(epochs: LogRoot['epochs'], through: number): LogRoot['epochs'] {
  return epochs
    .filter(({ from }) => from <= through)
    .map((span) => ({ ...span, end: Math.min(span.end ?? through + 1, through + 1) }));
}

/** The checkpoint of the root, without the segments that follow on it. */
function checkpointAs(name: string, { checkpoint, sizeSectors }: LogRoot, clock: VolumeClock): SnapshotEntry {
  const through = checkpoint?.through ?? 0;
  return { name, checkpoint, epochs: [], through, sizeSectors, created: timeStamp(clock), deletion: null };
}

/** Whether that may be since the writer has made another checkpoint, and let go of what the one before needed. */
function isOutOfDate(error: unknown, before: LogRoot, now: LogRoot): boolean {
  return mayBeGone(error) && !isSameHistory(now, before);
}

/** There is another checkpoint than the one that was looked at, so the segments after that may be gone. */
class OtherCheckpoint extends Error {}

function isSameHistory(a: LogRoot, b: LogRoot): boolean {
  return a.checkpoint?.generation === b.checkpoint?.generation && a.volumeId === b.volumeId;
}
