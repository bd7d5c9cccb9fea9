import type { ObjectStore } from '../store.js';
import { deleteCases } from './cases/delete.js';
import { getCases } from './cases/get.js';
import { handleCases } from './cases/handle.js';
import { listCases } from './cases/list.js';
import { putCases } from './cases/put.js';
import type { StoreCase, StoreRunner, StoreSubject } from './cases/subject.js';

export type { StoreCase, StoreContext, StorePlace, StoreRunner, StoreSubject } from './cases/subject.js';

/** Every case, by chapter. */
export function storeCases(): readonly StoreCase[] {
  return [...putCases, ...getCases, ...listCases, ...deleteCases, ...handleCases];
}

/** Registers every case with the runner. */
export function storeConformance(subject: StoreSubject, { describe, test }: StoreRunner): void {
  describe(`${subject.name} is a store of objects`, () => {
    for (const each of storeCases()) test(each.title, () => runStoreCase(each, subject));
  });
}

/** Runs a case on a place of its own, of which nothing stays. */
export async function runStoreCase({ run }: StoreCase, subject: StoreSubject): Promise<void> {
  const place = await subject.create();
  const opened: ObjectStore[] = [];
  const open = async () => {
    const store = await place.open();
    opened.push(store);
    return store;
  };
  const { prefix = '' } = place;
  const { keepsObjects = false } = subject;
  try {
    await run({ store: await open(), prefix, keepsObjects, open, key: (name) => prefix + name });
  } finally {
    for (const store of opened) store.close();
    await place.dispose();
  }
}
