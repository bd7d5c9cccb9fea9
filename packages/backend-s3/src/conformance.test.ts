import { conformance } from '@blockyard/conformance';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { connectS3, createVolume, deleteVolume } from './index.js';
import { startTestStore, type TestStore } from './testing/servers.js';

let store: TestStore;
beforeAll(async () => {
  store = await startTestStore();
});
afterAll(() => store.stop());

/** Small objects, so that most requests span several and none is whole. */
const OBJECT_SECTORS = 4;

conformance(
  {
    name: 's3',
    persistent: true,
    hugeSectors: 2 ** 31,
    create: async ({ sectorSize, sizeSectors }) => {
      const at = store.volume();
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
