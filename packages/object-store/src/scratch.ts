import { isBlockError } from '@blockyard/block';
import { newId } from './ids.js';
import type { ObjectStore } from './store.js';

/** Calls `task` while there is a scratch object, with its key, and takes the object away. */
export async function withScratch(
  store: Pick<ObjectStore, 'put' | 'delete'>,
  scratchPrefix: string,
  task: ((key: string) => Promise<void>) | undefined,
): Promise<void> {
  const id = newId();
  const key = scratchPrefix + id;
  const result = await store.put(key, Buffer.from(id), 'absent', id);
  if (result.kind === 'failed') throw result.error;
  try {
    await task?.(key);
  } catch (error) {
    // The failure is what is told.
    await store.delete([{ key }]).catch(() => {});
    throw error;
  }
  const [outcome] = await store.delete([{ key }]);
  if (isBlockError(outcome)) throw outcome;
}
