import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { openStore } from './client.js';
import { Deleter } from './deleter.js';
import { S3Driver } from './driver.js';
import { Fence } from './fence.js';
import { findObjects } from './find-objects.js';
import { Geometry } from './geometry.js';
import { Guard } from './guard.js';
import { keysOf } from './keys.js';
import { KnownObjects } from './known-objects.js';
import { ObjectFormat } from './object-format.js';
import { ObjectLocks } from './object-locks.js';
import { ObjectWriter } from './object-writer.js';
import { type ConnectS3Options, type ConnectSettings, checkConnectOptions } from './options.js';
import { type Abilities, probe } from './probe.js';
import { RecentObjects } from './recent-objects.js';
import { RootObject, readRoot } from './root-object.js';
import { Slots } from './slots.js';
import type { ObjectStore } from './store.js';

/**
 * Opens a volume that `createVolume` made. Opened for writing, it fences whoever has it open for writing already.
 *
 * Rejects with `NOT_FOUND` if the bucket or the volume is not there, `CORRUPT` or `UNSUPPORTED` if the root object is none that
 * can be used, `UNSUPPORTED` also if the store ignores conditions, `ACCESS_DENIED`, `LOCKED` if another writer opened it at the
 * same moment, `INVALID_ARGUMENT` if an option is wrong or unknown, `UNAVAILABLE` or `TIMEOUT` if the store cannot be
 * reached.
 */
export async function connectS3(options: ConnectS3Options): Promise<BlockDevice> {
  try {
    const settings = checkConnectOptions(options);
    const store = openStore(settings, settings.concurrency);
    try {
      return createDevice(await openDriver(store, settings));
    } catch (error) {
      store.close();
      throw error;
    }
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: nameOf(options) });
  }
}

/** `s3://bucket/prefix`, or less of it if the options have less. */
export function nameOf(options: { readonly bucket?: unknown; readonly prefix?: unknown } | undefined): string {
  const { bucket, prefix } = options ?? {};
  if (typeof bucket !== 'string') return 's3:';
  return typeof prefix === 'string' ? `s3://${bucket}/${prefix}` : `s3://${bucket}`;
}

async function openDriver(store: ObjectStore, settings: ConnectSettings): Promise<S3Driver> {
  const { readOnly, concurrency } = settings;
  const keys = keysOf(settings.prefix);
  const fence = new Fence();
  const root = new RootObject(store, keys, fence, await readRoot(store, keys));
  // Before the takeover, which makes it unknown.
  const { objectCount } = root.root;
  const abilities = readOnly ? undefined : await becomeWriter(store, settings, root);
  const geometry = new Geometry(root.root);
  const { volumeId, sectorSize, objectSizeBytes, partSizeBytes } = root.root;
  const format = new ObjectFormat(partSizeBytes);
  const known = new KnownObjects();
  // After the takeover: what an earlier writer stored before it is seen.
  const countAgain = async () => (readOnly ? (await readRoot(store, keys)).root.objectCount : objectCount);
  await findObjects({ store, keys, geometry, format, known, countAgain }, objectCount, concurrency);
  const parts = {
    store,
    keys,
    geometry,
    format,
    imageFacts: { format, volumeId, sectorSize, objectSizeBytes },
    root,
    known,
    fence,
    locks: new ObjectLocks(),
    slots: new Slots(concurrency),
    guard: new Guard({ store, keys, root, fence, geometry, format }, readOnly),
  };
  const deleter = new Deleter(store, keys, root, abilities?.conditionalDeletes ?? false);
  const facts = { name: nameOf(settings), readOnly, concurrency };
  return new S3Driver(parts, new ObjectWriter(parts, deleter, new RecentObjects(settings.maxRecentBytes)), facts);
}

/** Takes the volume over, last of all: what can go wrong is tried before an earlier writer is fenced. */
async function becomeWriter(store: ObjectStore, settings: ConnectSettings, root: RootObject): Promise<Abilities> {
  const keys = keysOf(settings.prefix);
  const abilities = await probe(store, keys, settings);
  await root.takeOver();
  return abilities;
}
