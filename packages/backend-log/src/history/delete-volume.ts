import { BlockError, isBlockError } from '@blockyard/block';
import { isId, MAX_BATCH_KEYS, newId, type ObjectStore } from '@blockyard/object-store';
import {
  claimOver,
  Fence,
  findHolder,
  RootObject,
  refuseIfHeld,
  systemVolumeClock,
  type VolumeClock,
} from '@blockyard/volume-root';
import { objectIdOf, parseDataKey, parseMapKey, pinPrefix, rootKey } from '../format/keys.js';
import type { LogRoot } from '../format/root.js';
import { fenceOff } from '../recovery/fence-off.js';
import { withoutMarks, withoutSnapshot } from '../state/snapshot-entries.js';
import { loadState } from '../state/volume-state.js';
import { holderOf } from '../volume/opening.js';
import { type ConnectLogSettings, checkConnectOptions, type LogPlace } from '../volume/options.js';
import { refuseWithTier } from '../volume/tier-mark.js';
import { type FoundVolume, findEvenDeleted, nameOf } from '../volume/volume-place.js';
import { deleteObject, findClone } from './pins.js';

/** Options of {@link deleteLogVolume}. */
export interface DeleteLogOptions {
  /**
   * Whether a volume is deleted although a writer that is alive has it open, or although its root cannot be read. If not, that
   * is `LOCKED`, or what reading it fails with. Default: false.
   */
  readonly takeOver?: boolean;
  /** Whether a volume is deleted that has a local tier. If not, that is `TIER_MISSING`. Default: false. */
  readonly acceptLoss?: boolean;
  /** Default: the system's. */
  readonly clock?: VolumeClock;
}

/** Passes through what is to be deleted. The last one finds nothing. */
const PASSES_MAX = 5;

/**
 * Deletes a volume with its snapshots, and what is left of one that was deleted in part. Nothing else under the prefix is
 * touched. The root says so before the first object goes, and goes last: so a deletion that was interrupted leaves a volume that no
 * one opens, and can be made again.
 *
 * Taken from a writer that may be alive, one small object stays, a fence, so that this writer's next flush fails. Deleting again
 * takes it away, once that process has ended; until then no volume can be made in its place.
 *
 * `NOT_FOUND` if there is nothing; `LOCKED` if a clone lives on one of its snapshots, or a writer that is alive has it open;
 * `TIER_MISSING` if a local tier has what was flushed last.
 */
export async function deleteLogVolume(
  options: LogPlace,
  { takeOver = false, acceptLoss = false, clock = systemVolumeClock }: DeleteLogOptions = {},
): Promise<void> {
  const settings = checkConnectOptions({ ...options, clock, takeOver, acceptLoss });
  const { store, prefix } = settings;
  let fence: string | undefined;
  try {
    const volume = await findOrLeave(settings);
    if (volume === undefined) {
      if (!(await deleteUntilGone(store, prefix))) throw noVolume(settings);
    } else {
      fence = await giveUp(volume, settings);
      await deleteUntilGone(store, prefix, { reaches: rootKey(prefix), spared: fence });
    }
    const parent = volume?.found.root.bases[0];
    if (volume !== undefined && parent !== undefined) {
      await deleteObject(store, pinPrefix(parent.prefix, parent.snapshot) + volume.found.root.volumeId);
    }
    // Last of all: as long as it is there, all of this can be done again.
    await deleteObject(store, rootKey(prefix));
  } catch (error) {
    throw BlockError.from(error, { device: nameOf(settings) });
  }
}

/** The volume; undefined if there is no root, or it cannot be read and is to go all the same. */
async function findOrLeave(settings: ConnectLogSettings): Promise<FoundVolume | undefined> {
  try {
    return await findEvenDeleted(settings);
  } catch (error) {
    if (isBlockError(error, 'NOT_FOUND')) return undefined;
    const isUnreadable = ['CORRUPT', 'UNSUPPORTED', 'ACCESS_DENIED'].some(
      (code) => isBlockError(error) && error.code === code,
    );
    if (settings.takeOver && isUnreadable) return undefined;
    throw error;
  }
}

/**
 * Fences the process that has the volume, and makes sure that no clone needs it, now or later. Returns the key of the fence, if
 * that process may be alive.
 */
async function giveUp(volume: FoundVolume, settings: ConnectLogSettings): Promise<string | undefined> {
  const { store, place, found } = volume;
  const { clock, takeOver, acceptLoss } = settings;
  const held = holderOf(volume, settings);
  const url = store.urlOf(place.key);
  const refuse = (current: LogRoot) => {
    if (!acceptLoss) refuseWithTier(current, url);
  };
  if (!takeOver) refuseIfHeld(held, url);
  refuse(found.root);
  const root = new RootObject({ ...place, fence: new Fence(() => findHolder(place, clock)), clock }, found);
  const deletion = newId();
  await root.takeOver(claimOver(held, 0, clock).holder, (current) => {
    refuse(current);
    return withMarks(current, deletion);
  });
  try {
    await refuseWithClones(volume, root.root);
    // From here on no clone can begin, whatever others do with their marks, and no one opens what is about to lose its objects.
    await root.change((current) => ({
      ...current.snapshots.reduce((left, { name }) => withoutSnapshot(left, name, deletion), current),
      isDeleted: true,
    }));
  } catch (error) {
    if (!isBlockError(error, 'LOCKED')) throw error;
    // Someone needs it: it is as it was, and no one's.
    await root.change((current) => withoutMarks(current, deletion));
    await root.giveBack();
    throw error;
  }
  if (held === null || held.state === 'dead') return undefined;
  return putFence(volume, root.root, settings).catch((error: unknown) => {
    // A damaged volume can be deleted as well; its writer learns it from the root, half a minute later.
    if (isBlockError(error, 'CORRUPT') || isBlockError(error, 'NOT_FOUND')) return undefined;
    throw error;
  });
}

/** Throws `LOCKED` if a clone lives on a snapshot. */
async function refuseWithClones(volume: FoundVolume, { snapshots }: LogRoot): Promise<void> {
  for (const { name } of snapshots) {
    const clone = await findClone(volume, name);
    if (clone !== undefined) throw new BlockError('LOCKED', `${clone} lives on snapshot ${name}`);
  }
}

async function putFence(
  volume: FoundVolume,
  root: LogRoot,
  { clock, maxMapBytes }: ConnectLogSettings,
): Promise<string | undefined> {
  const { store, places, sealing, replayParts } = volume;
  const last = root.epochs.at(-1);
  if (last?.end !== null || root.opening === null) return undefined;
  const state = await loadState({ store, places, sealing, maxMapBytes }, root, root.checkpoint);
  const wallMs = () => Math.trunc(clock.wallMs?.() ?? Date.now());
  const parts = { ...replayParts, store, conditionalPuts: true, opening: root.opening, wallMs };
  const number = await fenceOff(parts, state, root.epochs);
  return places.dataKey({ ...last, object: objectIdOf('log', number) });
}

function withMarks(root: LogRoot, deletion: string): LogRoot {
  return { ...root, snapshots: root.snapshots.map((each) => ({ ...each, deletion })) };
}

/** Deletes all but the root, in passes, until there is nothing. Returns whether there was anything. */
async function deleteUntilGone(
  store: ObjectStore,
  prefix: string,
  { reaches, spared }: { readonly reaches?: string; readonly spared?: string | undefined } = {},
): Promise<boolean> {
  let wasAny = false;
  for (let passes = 0; passes < PASSES_MAX; passes++) {
    let isAny = false;
    for await (const objects of store.list(`${prefix}/`, { reaches })) {
      const keys = objects.map(({ key }) => key).filter((key) => key !== spared && isOfVolume(prefix, key));
      isAny ||= keys.length > 0;
      for (let at = 0; at < keys.length; at += MAX_BATCH_KEYS) {
        const results = await store.delete(keys.slice(at, at + MAX_BATCH_KEYS).map((key) => ({ key })));
        for (const result of results) if (isBlockError(result)) throw result;
      }
    }
    if (!isAny) return wasAny;
    wasAny = true;
  }
  throw new BlockError('UNAVAILABLE', `${store.urlOf(prefix)}: there are objects after ${PASSES_MAX} deletions`);
}

/** Whether a key is one of the layout's own, the root's not. */
function isOfVolume(prefix: string, key: string): boolean {
  if (parseDataKey(prefix, key) !== undefined || parseMapKey(prefix, key) !== undefined) return true;
  const rest = key.slice(prefix.length + 1);
  if (rest.startsWith('probe-')) return isId(rest.slice('probe-'.length));
  const [folder, , pins, id, ...more] = rest.split('/');
  return folder === 'snapshots' && pins === 'pins' && isId(id) && more.length === 0;
}

function noVolume({ store, prefix }: ConnectLogSettings): BlockError {
  return new BlockError('NOT_FOUND', `no volume here: ${store.urlOf(rootKey(prefix))} does not exist`);
}
