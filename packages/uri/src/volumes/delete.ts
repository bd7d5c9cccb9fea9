import { BlockError, isBlockError } from '@blockyard/block';
import { schemeOf } from '../schemes/all.js';
import { findLayout } from '../schemes/find-layout.js';
import type { Layout } from '../schemes/layout.js';
import type { Scheme, StorePlace } from '../schemes/scheme.js';
import { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import { type TakeOverOptions, withFlag } from './history.js';
import { logPlaceOf, noVolume, withLog, withStore } from './volume-uri.js';

/**
 * Deletes a volume with all its data, also what is left of one that was deleted in part; or, for a URI with the name of a
 * snapshot, that snapshot alone; or the device of a registered scheme that can.
 *
 * Rejects with `LOCKED` if a clone lives on it or, without `takeOver`, if a process that is alive has the volume open; with
 * `NOT_FOUND` if there is nothing to delete; without `takeOver` with `CORRUPT` or `UNSUPPORTED` if the root cannot be read.
 */
export async function deleteUri(text: string, options: TakeOverOptions = {}): Promise<void> {
  const uri = new DeviceUri(text);
  const { volumes, remove } = await schemeOf(uri);
  if (volumes === undefined) return deleteDevice(uri, remove);
  const volume = { uri, volumes };
  const { moment } = uri;
  if (moment === undefined) return withStore(volume, (place) => deleteVolume(place, withFlag(volume, options)));
  if (!('snapshot' in moment)) throw invalid('a time cannot be deleted: name a snapshot behind the @');
  await withLog(volume, ({ deleteSnapshot }, place) => deleteSnapshot(place, moment.snapshot));
}

async function deleteDevice(uri: DeviceUri, remove: Scheme['remove']): Promise<void> {
  if (remove === undefined) throw noVolume(uri);
  try {
    await remove(uri);
  } catch (error) {
    throw BlockError.from(error, { operation: 'delete' });
  }
}

async function deleteVolume(place: StorePlace, options: Required<TakeOverOptions>): Promise<void> {
  switch (await layoutToDelete(place, options)) {
    case 'log':
      return deleteLog(place, options);
    case 'chunks':
      return place.deleteChunks?.(options);
    case undefined:
      return deleteLeft(place, options);
  }
}

/** Undefined if the root does not tell: it is not there, or cannot be read and is to go all the same. */
async function layoutToDelete(
  { store, prefix }: StorePlace,
  { takeOver }: Required<TakeOverOptions>,
): Promise<Layout | undefined> {
  try {
    return await findLayout(store, prefix);
  } catch (error) {
    const isUnreadable = isBlockError(error, 'CORRUPT') || isBlockError(error, 'UNSUPPORTED');
    if (isBlockError(error, 'NOT_FOUND') || (takeOver && isUnreadable)) return undefined;
    throw error;
  }
}

async function deleteLog(place: StorePlace, options: Required<TakeOverOptions>): Promise<void> {
  const { deleteLogVolume } = await import('@blockyard/backend-log');
  await deleteLogVolume(logPlaceOf(place), options);
}

/** What is left of a volume of either layout. `NOT_FOUND` if there is nothing. */
async function deleteLeft(place: StorePlace, options: Required<TakeOverOptions>): Promise<void> {
  const wasLog = await unlessNothing(deleteLog(place, options));
  if (place.deleteChunks === undefined) {
    if (wasLog !== undefined) throw wasLog;
    return;
  }
  const wereChunks = await unlessNothing(place.deleteChunks(options));
  if (wasLog !== undefined && wereChunks !== undefined) throw wereChunks;
}

/** The failure if there was nothing to delete. */
async function unlessNothing(deleting: Promise<void>): Promise<unknown> {
  try {
    await deleting;
    return undefined;
  } catch (error) {
    if (isBlockError(error, 'NOT_FOUND')) return error;
    throw error;
  }
}
