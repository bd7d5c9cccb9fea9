import { BlockError, isBlockError } from '@blockyard/block';
import { newId } from '@blockyard/object-store';
import { checkPrefix, putRoot } from '@blockyard/volume-root';
import { rootKey } from '../format/keys.js';
import type { LogRoot, SnapshotEntry } from '../format/root.js';
import { snapshotOf } from '../state/snapshot-entries.js';
import { checkPlaceOptions, KEY_BYTES_ADDED_MAX, type LogPlace } from '../volume/options.js';
import { type FoundVolume, findVolume, nameOf } from '../volume/volume-place.js';
import { deleteObject, putPin } from './pins.js';

/** Options of {@link createClone}. */
export interface CloneOptions {
  /** Where the clone is to be, in the same store. */
  readonly prefix: string;
}

/**
 * Makes a volume that begins as a snapshot of another one, and can be written. It shares what neither changes, so it costs a
 * few small objects. It lives on the snapshot, which stays as long as the clone does. An encrypted volume and its clones have
 * one key, and at first one passphrase.
 *
 * `NOT_FOUND` if there is no such snapshot, or it is being deleted; `ALREADY_EXISTS` if there is something at the prefix.
 */
export async function createClone(options: LogPlace, snapshot: string, { prefix }: CloneOptions): Promise<void> {
  const place = checkPlaceOptions(options);
  checkPrefix(prefix, KEY_BYTES_ADDED_MAX);
  try {
    const volume = await findVolume(place);
    const entry = keptSnapshot(volume.found.root, snapshot);
    await checkFree(volume, prefix);
    const root = rootOfClone(volume, entry);
    // First the pin, then the look: see deleteSnapshot.
    const pin = await putPin(volume, snapshot, { prefix, volumeId: root.volumeId });
    try {
      await checkStillKept(volume, place, entry);
      await putCloneRoot(volume, prefix, root);
    } catch (error) {
      // Whether the root was stored is not known after a failure of the store: then the pin stays, and is old in a day.
      if (isBlockError(error, 'ALREADY_EXISTS') || isBlockError(error, 'NOT_FOUND'))
        await deleteObject(volume.store, pin);
      throw error;
    }
  } catch (error) {
    throw BlockError.from(error, { operation: 'create', device: nameOf({ ...place, prefix }) });
  }
}

function rootOfClone({ found, prefix }: FoundVolume, entry: SnapshotEntry): LogRoot {
  const { volumeId, sectorSize, segmentSizeBytes, encryption, bases } = found.root;
  return {
    volumeId: newId(),
    sectorSize,
    sizeSectors: entry.sizeSectors,
    segmentSizeBytes,
    codec: 'none',
    encryption,
    writerEpoch: 0,
    opening: null,
    holder: null,
    checkpoint: entry.checkpoint && { ...entry.checkpoint, base: entry.checkpoint.base + 1 },
    epochs: entry.epochs.map((span) => ({ ...span, base: span.base + 1 })),
    bases: [{ volumeId, prefix, snapshot: entry.name }, ...bases],
    snapshots: [],
    // What a tier has of the parent is not part of any snapshot.
    tier: null,
    changeId: newId(),
  };
}

function keptSnapshot(root: LogRoot, name: string): SnapshotEntry {
  const entry = snapshotOf(root, name);
  if (entry.deletion !== null) throw new BlockError('NOT_FOUND', `snapshot ${name} is being deleted`);
  return entry;
}

async function checkStillKept(
  before: FoundVolume,
  place: LogPlace,
  { name, created, through }: SnapshotEntry,
): Promise<void> {
  const { found } = await findVolume(place, before);
  const now = keptSnapshot(found.root, name);
  if (now.created === created && now.through === through) return;
  throw new BlockError('NOT_FOUND', `snapshot ${name} is another one now`);
}

async function checkFree({ store }: FoundVolume, prefix: string): Promise<void> {
  for await (const objects of store.list(`${prefix}/`, { maxKeys: 1 })) {
    const [first] = objects;
    if (first !== undefined) throw new BlockError('ALREADY_EXISTS', `there is ${store.urlOf(first.key)} already`);
  }
}

async function putCloneRoot({ store, format }: FoundVolume, prefix: string, root: LogRoot): Promise<void> {
  const key = rootKey(prefix);
  const result = await putRoot({ store, key, format }, root, 'absent');
  if (result.kind === 'failed') throw result.error;
  if (result.kind === 'lost') throw new BlockError('ALREADY_EXISTS', `there is ${store.urlOf(key)} already`);
}
