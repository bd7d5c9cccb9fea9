import { randomUUID } from 'node:crypto';
import { connectS3, createVolume, deleteVolume, type StoreOptions } from '@blockyard/backend-s3';
import { isBlockError } from '@blockyard/block';
import { startLocalS3 } from '@blockyard/local-s3';
import { type S3Target, SECTOR_SIZE } from '../inputs/settings.js';
import type { Cleanup } from '../process/cleanup.js';
import { keepingSignals } from '../process/own-signals.js';
import type { Place } from './place.js';

/** Someone watches: a store that is away is told after seconds, where a server would wait for minutes. */
const MAX_OUTAGE_MS = 5_000;

/** Volumes in the store of `target` or, without one, in a local store that `cleanup` stops. */
export async function s3Place(target: S3Target | undefined, cleanup: Cleanup): Promise<Place> {
  const store = target === undefined ? await startStore(cleanup) : storeOf(target);
  const parent = target === undefined || target.prefix === '' ? '' : `${target.prefix}/`;
  // No volume but ours is touched, whatever is in the bucket.
  const prefix = `${parent}blockyard-demo-${randomUUID()}`;
  return {
    backend: 's3',
    cold: "a new connection, which reads the volume's root and lists its objects",
    workload: { operations: 640, volumeBytes: 32 * 2 ** 20 },
    async create(label, sizeBytes) {
      const at = { ...store, prefix: `${prefix}/${label}`, maxOutageMs: MAX_OUTAGE_MS };
      // The local store takes everything with it when it stops.
      let isThere = target !== undefined;
      const dispose = async () => {
        if (isThere) await deleteIfThere(at);
        isThere = false;
      };
      cleanup.add(`delete s3://${at.bucket}/${at.prefix}`, dispose);
      try {
        await createVolume({ ...at, sectorSize: SECTOR_SIZE, sizeBytes });
      } catch (error) {
        isThere = false;
        throw error;
      }
      return { connect: () => connectS3(at), outlivesDisconnect: true, dispose };
    },
  };
}

type Store = Omit<StoreOptions, 'prefix'>;

async function startStore(cleanup: Cleanup): Promise<Store> {
  const { endpoint, region, credentials, forcePathStyle, bucket, stop } = await keepingSignals(() => startLocalS3());
  cleanup.add('stop the local store', stop);
  return { endpoint, region, credentials, forcePathStyle, bucket };
}

function storeOf({ bucket, endpoint }: S3Target): Store {
  if (endpoint === undefined) return { bucket };
  const region = process.env.AWS_REGION;
  return region === undefined ? { bucket, endpoint } : { bucket, endpoint, region };
}

async function deleteIfThere(at: StoreOptions): Promise<void> {
  try {
    // Also after an end by force, which leaves it to this process.
    await deleteVolume({ ...at, takeOver: true });
  } catch (error) {
    if (!isBlockError(error, 'NOT_FOUND')) throw error;
  }
}
