import { join } from 'node:path';
import { checkLogVolume, createLogVolume } from '@blockyard/backend-log';
import { startTestStore, type TestStore } from '@blockyard/local-s3';
import { openDirectoryStore } from '@blockyard/object-store/directory';
import { createUri } from '@blockyard/uri';
import { vi } from 'vitest';
import { openLogPlace, type StorePlace, type TieredPlace, type VolumePlace } from './place.js';

export interface Shape {
  readonly sizeSectors: number;
  readonly sectorSize: number;
}

/** Segments of a log of 32 sectors or so, so that what is flushed at once takes several. */
const segmentSizeOf = (sectorSize: number) => (48 << 10) + 64 + 32 * (sectorSize + 16);

/** Makes new volumes: in files and directories below `folder`, and in the store that `S3_ENDPOINT` names, or else a local one. */
export class Places {
  readonly #folder: string;
  readonly #store: TestStore;

  private constructor(folder: string, store: TestStore) {
    this.#folder = folder;
    this.#store = store;
  }

  /** From here to `stop` child processes have the store's credentials. */
  static async start(folder: string): Promise<Places> {
    const store = await startTestStore();
    const { credentials } = store.volume();
    vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
    return new Places(folder, store);
  }

  async stop(): Promise<void> {
    vi.unstubAllEnvs();
    await this.#store.stop();
  }

  async file(name: string, shape: Shape): Promise<VolumePlace> {
    const uri = `file:${join(this.#folder, name)}?sector=${shape.sectorSize}`;
    await createUri(uri, { sizeBytes: shape.sizeSectors * shape.sectorSize });
    return { uri };
  }

  async chunks(shape: Shape): Promise<VolumePlace> {
    const { bucket, prefix, endpoint, region, forcePathStyle } = this.#store.volume();
    const query = `region=${region}&path-style=${forcePathStyle}&endpoint=${encodeURIComponent(endpoint)}`;
    const uri = `s3://${bucket}/${prefix}?${query}`;
    // Small objects, so that most writes cover one in part.
    const made = `${uri}&sector=${shape.sectorSize}&chunk=32K`;
    await createUri(made, { sizeBytes: shape.sizeSectors * shape.sectorSize });
    return { uri };
  }

  logInBucket(shape: Shape): Promise<VolumePlace> {
    const { bucket, prefix, endpoint, region, forcePathStyle } = this.#store.volume();
    return createLog({ bucket: { bucket, endpoint, region, forcePathStyle } }, prefix, shape);
  }

  async logInTier(name: string, shape: Shape): Promise<TieredPlace> {
    return { ...(await this.logInDirectory(name, shape)), tier: join(this.#folder, `${name}-tier`) };
  }

  async logInDirectory(name: string, shape: Shape) {
    const directory = join(this.#folder, name);
    (await openDirectoryStore({ path: directory, create: true })).close();
    return createLog({ directory }, 'disk', shape);
  }
}

async function createLog<Log extends StorePlace>(log: Log, prefix: string, shape: Shape) {
  const place = { log, prefix };
  const { store } = await openLogPlace(place);
  await createLogVolume({ store, prefix, ...shape, segmentSizeBytes: segmentSizeOf(shape.sectorSize) });
  store.close();
  return place;
}

/** What is not whole of a volume as it lies in its store: of a log, what `checkLogVolume` finds. */
export async function problemsAt(place: VolumePlace): Promise<string[]> {
  if ('uri' in place) return [];
  const opened = await openLogPlace(place);
  const { problems } = await checkLogVolume(opened);
  opened.store.close();
  return problems.map(({ url, error }) => `${url}: ${error.message}`);
}
