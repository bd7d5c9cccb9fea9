import { openS3Store } from '@blockyard/object-store-s3';
import type { Store } from './sides.js';

/** A client of the store that the environment names. */
export function openStore({ endpoint, region, bucket, accessKeyId, secretAccessKey }: Store) {
  const credentials = { accessKeyId, secretAccessKey };
  return openS3Store({ bucket, endpoint: endpoint.origin, region, credentials, forcePathStyle: true });
}

/** Deletes all objects whose keys begin with a prefix, those of the peers too. */
export async function deleteBelow(store: Store, prefix: string): Promise<void> {
  const opened = openStore(store);
  try {
    for await (const page of opened.list(prefix)) await opened.delete(page.map(({ key }) => ({ key })));
  } finally {
    opened.close();
  }
}
