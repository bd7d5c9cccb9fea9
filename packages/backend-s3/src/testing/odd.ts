import { type OddStore, type StoreRequest, startOddStore } from '@blockyard/local-s3';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { StoreOptions } from '../index.js';

/** An odd store for the tests of a file, honest and empty at the start of each. */
export function useOddStore(): { store: OddStore; at: StoreOptions & { readonly prefix: string } } {
  const used: { store?: OddStore; at?: StoreOptions } = {};
  beforeAll(async () => {
    used.store = await startOddStore();
  });
  beforeEach(() => {
    const { store } = used;
    if (store === undefined) return;
    store.answer = (_, honest) => honest();
    store.objects.clear();
    store.requests.length = 0;
    const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
    used.at = { bucket: 'bucket', prefix: 'disks/a', endpoint: store.endpoint, credentials, maxAttempts: 1 };
  });
  afterAll(() => used.store?.stop());
  return used as { store: OddStore; at: StoreOptions };
}

export const isListing = ({ method, key }: StoreRequest) => method === 'GET' && key === '';
export const isBatchDelete = ({ query }: StoreRequest) => query.has('delete');
