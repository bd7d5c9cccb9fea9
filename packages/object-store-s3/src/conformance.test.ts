import { startTestStore, type TestStore } from '@blockyard/local-s3';
import { storeConformance } from '@blockyard/object-store/conformance';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { openS3Store } from './index.js';

describe.each(process.env.S3_ENDPOINT === undefined ? (['local', 'memory'] as const) : (['local'] as const))(
  '%s',
  (kind) => {
    let server: TestStore;
    beforeAll(async () => {
      server = await startTestStore(kind);
    });
    afterAll(() => server.stop());

    storeConformance(
      {
        name: `a bucket of S3, ${kind}`,
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
  },
);
