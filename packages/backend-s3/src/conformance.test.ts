import { conformance } from '@blockyard/conformance';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { connectS3, createVolume, deleteVolume } from './index.js';
import { startTestStore, type TestStore } from './testing/servers.js';

let store: TestStore;
beforeAll(async () => {
  store = await startTestStore();
});
afterAll(() => store.stop());

/** The smallest sectors make the most requests: minutes of them on the local store. */
const EVERY_SECTOR_SIZE = process.env.BLOCKYARD_S3_EVERY_SECTOR_SIZE === 'true';

/** Small objects, so that most requests span several and few are whole. */
const OBJECT_SECTORS = 8;

conformance(
  {
    name: 's3',
    persistent: true,
    sectorSizes: EVERY_SECTOR_SIZE ? [512, 4096, 65_536] : [4096, 65_536],
    hugeSectors: 2 ** 31,
    create: async ({ sectorSize, sizeSectors }) => {
      const { bucket, prefix } = store.volume();
      const at = { bucket, prefix, client: store.client };
      await createVolume({ ...at, sectorSize, sizeSectors, objectSizeBytes: OBJECT_SECTORS * sectorSize });
      return {
        connect: (options) => connectS3({ ...at, ...options }),
        dispose: () => deleteVolume(at),
      };
    },
  },
  { describe, test },
  { runs: 2 },
);
