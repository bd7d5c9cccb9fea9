import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import { connectMemory } from '@blockyard/backend-memory';
import { connectS3, createVolume } from '@blockyard/backend-s3';
import type { BlockDevice } from '@blockyard/block';
import { conformance, SECTOR_SIZES } from '@blockyard/conformance';
import { startTestStore, type TestStore } from '@blockyard/local-s3';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { connectCache } from './connect.js';

/** Room for so few lines, over every backend, that eviction never rests. */
const STARVED = new Map([
  [512, 80_000],
  [4096, 110_000],
  [65_536, 520_000],
]);

const starved = (base: BlockDevice) =>
  connectCache(base, { maxSizeBytes: STARVED.get(base.info.sectorSize) ?? 0, seed: 1 });

conformance(
  {
    name: 'starved cache over memory',
    persistent: false,
    readOnly: false,
    hugeSectors: 2 ** 34,
    create: async (shape) => ({
      connect: async () => starved(await connectMemory(shape)),
      dispose: async () => {},
    }),
  },
  { describe, test },
  { runs: 10 },
);

describe('over a file', () => {
  let folder = '';
  let files = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockyard-cache-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  conformance(
    {
      name: 'starved cache over a file',
      persistent: true,
      // The others are tried over memory.
      sectorSizes: [4096],
      async create({ sectorSize, sizeSectors }) {
        const path = join(folder, `${files++}.img`);
        await (await connectFile({ path, sectorSize, create: { sizeSectors } })).disconnect();
        return {
          connect: async (options) => starved(await connectFile({ path, sectorSize, ...options })),
          dispose: () => rm(path),
        };
      },
    },
    { describe, test },
    { runs: 5 },
  );
});

/** All three take minutes on the local store. */
const S3_SECTOR_SIZES = process.env.BLOCKYARD_S3_EVERY_SECTOR_SIZE === 'true' ? SECTOR_SIZES : [4096];

describe('over S3', () => {
  let store: TestStore;
  beforeAll(async () => {
    store = await startTestStore();
  });
  afterAll(() => store.stop());
  conformance(
    {
      name: 'starved cache over S3',
      persistent: true,
      sectorSizes: S3_SECTOR_SIZES,
      async create(shape) {
        const { bucket, prefix } = store.volume();
        const place = { client: store.client, bucket, prefix };
        await createVolume({ ...place, ...shape, objectSizeBytes: Math.max(65_536, shape.sectorSize) });
        return {
          // Who opens a volume after it was given up waits for its lease.
          connect: async (options) => starved(await connectS3({ ...place, ...options, leaseMs: 50 })),
          dispose: async () => {},
        };
      },
    },
    { describe, test },
    { runs: 1, deadlineMs: 120_000 },
  );
});
