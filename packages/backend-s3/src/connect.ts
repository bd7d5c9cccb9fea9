import { BlockError, createDevice } from '@blockyard/block';
import { Semaphore, SerialQueue, sleep } from '@blockyard/block/async';
import type { ObjectStore, StoreAbilities } from '@blockyard/object-store';
import {
  claimOver,
  Fence,
  findHolder,
  type HolderState,
  holderStateOf,
  RENEW_MS,
  RootObject,
  readRoot,
  refuseIfHeld,
  volumeHolderOf,
} from '@blockyard/volume-root';
import { S3Driver } from './driver.js';
import { Geometry } from './layout/geometry.js';
import { keysOf } from './layout/keys.js';
import { DataObjects } from './objects/data-objects.js';
import { Deleter } from './objects/deleter.js';
import { findObjects } from './objects/find-objects.js';
import { ObjectFormat } from './objects/format.js';
import { Guard } from './objects/guard.js';
import { KnownObjects } from './objects/known-objects.js';
import { RecentObjects } from './objects/recent-objects.js';
import type { VolumeParts } from './objects/volume-parts.js';
import { ObjectWriter } from './objects/writer.js';
import { type ConnectS3Options, type ConnectSettings, checkConnectOptions } from './options.js';
import { Lease } from './root/lease.js';
import { ROOT_FORMAT, type Root } from './root/root.js';
import type { S3Device } from './root/s3-device.js';
import { nameOf, openVolumeStore, probeStore } from './volume-store.js';

/**
 * Opens a volume that `createVolume` made. Opened for writing, it fences the writer that has it open already, and then waits
 * for twice that one's `leaseMs`, unless it is certainly gone: from then on nothing that it writes is acknowledged, and all
 * that was acknowledged is seen.
 *
 * Rejects with `NOT_FOUND` if the bucket or the volume is not there, `CORRUPT` or `UNSUPPORTED` if the root object cannot be
 * used, `UNSUPPORTED` also if the store ignores conditions, `ACCESS_DENIED`, `LOCKED` if another writer opened it at the same
 * moment, or has it open and `takeOver` is false, `INVALID_ARGUMENT` if an option is wrong or unknown, `UNAVAILABLE` or
 * `TIMEOUT` if the store cannot be reached.
 *
 * @example
 * ```ts
 * import { connectS3 } from '@blockyard/backend-s3';
 *
 * const device = await connectS3({ bucket: 'volumes', prefix: 'disks/a', endpoint: 'http://127.0.0.1:9000' });
 * await device.write(0, [new Uint8Array(4096).fill(1)]); // in the store, when it has resolved
 * await device.disconnect();
 * ```
 */
export async function connectS3(options: ConnectS3Options): Promise<S3Device> {
  try {
    const settings = checkConnectOptions(options);
    const { minConcurrency, maxConcurrency } = settings;
    const store = openVolumeStore(settings, { minConcurrency, maxConcurrency });
    try {
      const { driver, held, volumeId } = await openDriver(store, settings);
      return Object.assign(createDevice(driver), {
        volumeId,
        heldBy: volumeHolderOf(held),
        snapshot: () => store.snapshot(),
      });
    } catch (error) {
      store.close();
      throw error;
    }
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: nameOf(options) });
  }
}

async function openDriver(
  store: ObjectStore,
  settings: ConnectSettings,
): Promise<{ readonly driver: S3Driver; readonly held: HolderState | null; readonly volumeId: string }> {
  const { readOnly, clock, leaseMs } = settings;
  const keys = keysOf(settings.prefix);
  store.dates.watch(keys.root);
  const place = { store, key: keys.root, format: ROOT_FORMAT };
  const found = await readRoot(place);
  const held = holderStateOf(found.root, store.dates.watched, clock);
  const fence = new Fence(() => findHolder(place, clock));
  const root = new RootObject({ ...place, fence, clock }, found);
  const lease = new Lease({ root, fence, clock, dates: store.dates }, { leaseMs, renewMs: RENEW_MS });
  // Before the takeover, which makes it unknown.
  const { objectCount, volumeId } = found.root;
  if (readOnly)
    return { driver: await makeDriver(store, settings, { root, fence, lease, objectCount }), held, volumeId };
  const abilities = await becomeWriter(store, settings, { root, held });
  try {
    const driver = await makeDriver(store, settings, { root, fence, lease, objectCount, abilities });
    lease.start();
    return { driver, held, volumeId };
  } catch (error) {
    // Nothing was changed: the next one is to find what this one found.
    await root.giveBack((held) => ({ ...held, objectCount }));
    throw error;
  }
}

/** What a volume was found to be, and what the store can do, where it was asked. */
interface Owned {
  readonly root: RootObject<Root>;
  readonly fence: Fence;
  readonly lease: Lease;
  readonly objectCount: number | null;
  readonly abilities?: StoreAbilities;
}

const NO_ABILITIES: StoreAbilities = { conditionalPuts: false, conditionalDeletes: false, refusal: undefined };

/** After the takeover: what an earlier writer stored before it is seen. */
async function makeDriver(
  store: ObjectStore,
  settings: ConnectSettings,
  { root, fence, lease, objectCount, abilities = NO_ABILITIES }: Owned,
): Promise<S3Driver> {
  const { readOnly, maxConcurrency, acceptMissingObjects: acceptMissing } = settings;
  const keys = keysOf(settings.prefix);
  const geometry = new Geometry(root.root);
  const { volumeId, sectorSize, objectSizeBytes, partSizeBytes } = root.root;
  const format = new ObjectFormat(partSizeBytes);
  const known = new KnownObjects();
  const place = { store, key: keys.root, format: ROOT_FORMAT };
  const countAgain = async () => (readOnly ? (await readRoot(place)).root.objectCount : objectCount);
  const lists = Math.min(maxConcurrency, LISTS_MAX);
  await findObjects({ store, keys, geometry, format, known, countAgain, acceptMissing }, objectCount, lists);
  const objects = new DataObjects(store, keys);
  const parts: VolumeParts = {
    store,
    conditionalPuts: abilities.conditionalPuts,
    objects,
    geometry,
    format,
    imageFacts: { format, volumeId, sectorSize, objectSizeBytes },
    root,
    known,
    fence,
    locks: new SerialQueue<number>(),
    reads: new Semaphore(maxConcurrency),
    writes: new Semaphore(writesAtOnce(objectSizeBytes, maxConcurrency)),
    guard: new Guard({ objects, root, geometry, format }, readOnly),
  };
  const recent = new RecentObjects(settings.maxRecentBytes);
  const writer = new ObjectWriter(parts, new Deleter(store, keys, root, abilities.conditionalDeletes), recent);
  return new S3Driver(parts, writer, lease, { name: nameOf(settings), readOnly, maxConcurrency });
}

/** Pages of a listing that are asked for at once. */
const LISTS_MAX = 16;

/** Bytes of objects that are put together or on their way, unless a few objects alone are more. */
const WRITE_BYTES_MAX = 32 << 20;
const WRITES_MIN = 4;

function writesAtOnce(objectSizeBytes: number, maxConcurrency: number): number {
  return Math.min(maxConcurrency, Math.max(WRITES_MIN, Math.floor(WRITE_BYTES_MAX / objectSizeBytes)));
}

/**
 * Takes the volume over, last of all: what can go wrong is tried before an earlier writer is fenced. Resolves when that one no
 * longer acknowledges anything.
 */
async function becomeWriter(
  store: ObjectStore,
  settings: ConnectSettings,
  { root, held }: { readonly root: RootObject<Root>; readonly held: HolderState | null },
): Promise<StoreAbilities> {
  const { prefix, takeOver, leaseMs, clock } = settings;
  const keys = keysOf(prefix);
  if (!takeOver) refuseIfHeld(held, store.urlOf(keys.root));
  const abilities = await probeStore(store, keys, settings);
  const { holder, waitMs } = claimOver(held, leaseMs, clock);
  await root.takeOver(holder, (found) => ({ ...found, objectCount: null }));
  if (waitMs > 0) await sleep(clock, waitMs);
  root.settle(leaseMs);
  return abilities;
}
