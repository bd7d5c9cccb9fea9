import { startTestStore, type TestStore } from '@blockyard/local-s3';
import { storeConformance } from '@blockyard/object-store/conformance';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { openS3Store } from './index.js';

let server: TestStore;
beforeAll(async () => {
  server = await startTestStore();
});
afterAll(() => server.stop());

storeConformance(
  {
    name: 'a bucket of S3',
    create: async () => {
      const { prefix, ...connection } = server.volume();
      return {
        prefix: `${prefix}/`,
        open: async () => openS3Store(connection),
        dispose: async () => {
          const store = openS3Store(connection);
          for await (const page of store.list(`${prefix}/`)) {
            if (page.length > 0) await store.delete(page.map(({ key }) => ({ key })));
          }
          store.close();
        },
      };
    },
  },
  { describe, test },
);
