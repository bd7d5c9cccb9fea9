import type { LogPlace } from '@blockyard/backend-log';
import { BlockError } from '@blockyard/block';
import { schemeOf } from '../schemes/all.js';
import { findLayout, noPast } from '../schemes/find-layout.js';
import type { OpenStoreOptions, StorePlace, VolumeScheme } from '../schemes/scheme.js';
import { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';

type LogModule = typeof import('@blockyard/backend-log');

/** A URI of a scheme whose devices are volumes in a store. */
export interface VolumeUri {
  readonly uri: DeviceUri;
  readonly volumes: VolumeScheme;
}

/** Rejects with `UNSUPPORTED` for a URI of another kind of device, and `INVALID_ARGUMENT` for one that makes no sense. */
export async function volumeUri(text: string): Promise<VolumeUri> {
  const uri = new DeviceUri(text);
  const { volumes } = await schemeOf(uri);
  if (volumes !== undefined) return { uri, volumes };
  throw noVolume(uri);
}

export function noVolume({ scheme }: DeviceUri): BlockError {
  return new BlockError('UNSUPPORTED', `${scheme}: is no volume in a store of objects; s3: and dir: are`);
}

/** The same, for what is done with a volume as it is now. */
export async function presentUri(text: string): Promise<VolumeUri> {
  const found = await volumeUri(text);
  if (found.uri.moment !== undefined)
    throw invalid('this is done with a volume, not with a moment of its past: leave the @ out');
  return found;
}

/** The same, for what is done with a snapshot. */
export async function snapshotUriOf(text: string): Promise<VolumeUri & { readonly snapshot: string }> {
  const found = await volumeUri(text);
  const { moment } = found.uri;
  if (moment !== undefined && 'snapshot' in moment) return { ...found, snapshot: moment.snapshot };
  throw invalid('this is done with a snapshot, which is named behind an @: URI@NAME');
}

/** Opens the store of a volume for the time of `body`. */
export async function withStore<T>(
  { uri, volumes }: VolumeUri,
  body: (place: StorePlace) => Promise<T>,
  options: OpenStoreOptions = {},
): Promise<T> {
  const place = await volumes.openStore(uri, options);
  try {
    return await body(place);
  } finally {
    place.store.close();
  }
}

/** The same for a volume that must be a log. `UNSUPPORTED` if it is one of chunks. */
export function withLog<T>(
  volume: VolumeUri,
  body: (log: LogModule, place: LogPlace, where: StorePlace) => Promise<T>,
): Promise<T> {
  return withStore(volume, async (where) => {
    const { store, prefix } = where;
    if ((await findLayout(store, prefix)) !== 'log') throw noPast(store.urlOf(prefix));
    return body(await import('@blockyard/backend-log'), logPlaceOf(where), where);
  });
}

export function logPlaceOf({ store, prefix, secret }: StorePlace): LogPlace {
  return { store, prefix, ...secret };
}
