import { conformance, SECTOR_SIZES } from '@blockyard/conformance';
import { startTestStore, type TestStore } from '@blockyard/local-s3';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { connectS3, createVolume, deleteVolume } from './index.js';
import { TestClock } from './testing/clock.js';

let store: TestStore;
beforeAll(async () => {
  store = await startTestStore();
});
afterAll(() => store.stop());

/** All three take minutes on the local store. */
const EVERY_SECTOR_SIZE = process.env.BLOCKYARD_S3_EVERY_SECTOR_SIZE === 'true';

/** Small objects, so that most requests span several and few are whole. */
const OBJECT_SECTORS = 8;

conformance(
  {
    name: 's3',
    persistent: true,
    sectorSizes: EVERY_SECTOR_SIZE ? SECTOR_SIZES : [4096],
    hugeSectors: 2 ** 31,
    create: async ({ sectorSize, sizeSectors }) => {
      const { bucket, prefix } = store.volume();
      const at = { bucket, prefix, client: store.client };
      // All that open it have the same time. Who opens it after another one was given up waits for that one's lease.
      const clock = new TestClock();
      await createVolume({ ...at, sectorSize, sizeSectors, objectSizeBytes: OBJECT_SECTORS * sectorSize });
      return {
        connect: (options) => connectS3({ ...at, clock, ...options }),
        dispose: () => deleteVolume({ ...at, takeOver: true }),
      };
    },
  },
  { describe, test },
  { runs: 2 },
);
