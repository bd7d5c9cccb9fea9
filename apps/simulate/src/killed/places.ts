import { join } from 'node:path';
import { startTestStore, type TestStore } from '@blockyard/local-s3';
import { openDirectoryStore } from '@blockyard/object-store/directory';
import { createUri } from '@blockyard/uri';
import { vi } from 'vitest';
import { createLog } from './log-places.js';
import type { Shape, TieredPlace, VolumePlace } from './place.js';

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
