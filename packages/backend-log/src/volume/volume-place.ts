import { BlockError, isBlockError } from '@blockyard/block';
import { type ObjectStore, type ObjectVersion, readWhole } from '@blockyard/object-store';
import { type FoundRoot, type RootFormat, type RootPlace, refuseIfDeleted } from '@blockyard/volume-root';
import { openProtection } from '../encryption/protection.js';
import type { VolumeKey } from '../encryption/volume-key.js';
import { rootKey } from '../format/keys.js';
import { encryptionOf, type LogRoot, ROOT_BYTES_MAX, rootFormatOf } from '../format/root.js';
import type { Sealing } from '../format/sealing.js';
import { Places } from '../objects/places.js';
import { SegmentReader } from '../objects/segment-reader.js';
import type { ReplayParts } from '../recovery/replay.js';
import type { LogPlace } from './options.js';

/** A volume whose root was read. */
export interface FoundVolume {
  readonly store: ObjectStore;
  readonly prefix: string;
  readonly found: FoundRoot<LogRoot>;
  readonly format: RootFormat<LogRoot>;
  readonly place: RootPlace<LogRoot>;
  readonly sealing: Sealing;
  /** Undefined: the volume is not encrypted. */
  readonly volumeKey: VolumeKey | undefined;
  readonly places: Places;
  readonly reader: SegmentReader;
  readonly replayParts: ReplayParts;
}

/**
 * Finds a volume. `NOT_FOUND` if there is none, or its deletion has begun; `CORRUPT` or `UNSUPPORTED` if its root cannot be used, `ACCESS_DENIED` if it is
 * encrypted and the secret is not the right one. `before`: the volume as it was found before. Then the secret is not needed, and
 * the cost of a passphrase not paid again.
 */
export async function findVolume(place: LogPlace, before?: Pick<FoundVolume, 'volumeKey'>): Promise<FoundVolume> {
  const volume = await findEvenDeleted(place, before);
  refuseIfDeleted(volume.found.root, nameOf(place));
  return volume;
}

/** The same, also of a volume whose deletion has begun. */
export async function findEvenDeleted(
  { store, prefix, ...secret }: LogPlace,
  before?: Pick<FoundVolume, 'volumeKey'>,
): Promise<FoundVolume> {
  const key = rootKey(prefix);
  const where = store.urlOf(key);
  // How long its holder has been silent is told by the clocks of the store.
  store.dates.watch(key);
  const { bytes, version } = await readRootBytes(store, key);
  const encryption = encryptionOf(bytes, where);
  const open = async (known?: VolumeKey) => {
    const { sealing, digest, key: volumeKey } = await openProtection(encryption, secret, where, known);
    const format = rootFormatOf(digest);
    return { sealing, volumeKey, format, root: format.decode(bytes, where) };
  };
  const known = before?.volumeKey;
  const { sealing, volumeKey, format, root } = await open(known).catch((error: unknown) => {
    // Another volume, with a key of its own, may be in the place of the one before.
    if (known === undefined || !isBlockError(error, 'CORRUPT')) throw error;
    return open();
  });
  const places = new Places({ volumeId: root.volumeId, prefix }, root.bases, sealing);
  const reader = new SegmentReader(store, places, root.sectorSize);
  return {
    store,
    prefix,
    found: { root, version },
    format,
    place: { store, key, format },
    sealing,
    volumeKey,
    places,
    reader,
    replayParts: { reader, places, sealing, urlOf: (name) => store.urlOf(places.dataKey(name)) },
  };
}

async function readRootBytes(
  store: ObjectStore,
  key: string,
): Promise<{ readonly bytes: Uint8Array; readonly version: ObjectVersion }> {
  const found = await readWhole(store, key, ROOT_BYTES_MAX);
  if (found === undefined) throw new BlockError('NOT_FOUND', `no volume here: ${store.urlOf(key)} does not exist`);
  return found;
}

/** `s3://bucket/prefix`, or what the store calls it. */
export function nameOf({ store, prefix }: Pick<LogPlace, 'store' | 'prefix'>): string {
  return store.urlOf(prefix);
}
