import { BlockError } from '@blockyard/block';
import type { Keys } from './keys.js';
import { newId, type Stamp } from './stamp.js';
import type { Condition, ObjectStore } from './store.js';

/** What was found out about a store. */
export interface Abilities {
  /** PUT honours `If-None-Match: *` and `If-Match`. */
  readonly conditionalPuts: boolean;
  /** DeleteObjects honours the ETags it is given. */
  readonly conditionalDeletes: boolean;
}

/** An ETag that no object has. */
const NO_ETAG = `"${'0'.repeat(32)}"`;

/**
 * Finds out on a scratch key, which it removes, what the store makes of conditions. Some stores accept and ignore them, and
 * two writers on such a store would overwrite each other unseen.
 *
 * The probe is made with the volume's rights and under its prefix, so a lack of rights shows here too.
 */
export async function probe(store: ObjectStore, keys: Keys): Promise<Abilities> {
  const scratch = new Scratch(store, keys.probePrefix + newId());
  try {
    const conditionalPuts = await probePuts(scratch);
    return { conditionalPuts, conditionalDeletes: await probeDelete(scratch) };
  } catch (error) {
    // In case something was left. The first error is the one to tell.
    await scratch.delete(undefined).catch(() => {});
    throw error;
  }
}

/** The abilities if they are enough for a volume; otherwise `UNSUPPORTED`, unless the user wants it so. */
export async function probeForWriting(store: ObjectStore, keys: Keys, allowUnsafeStore: boolean): Promise<Abilities> {
  const abilities = await probe(store, keys);
  if (!abilities.conditionalPuts && !allowUnsafeStore) {
    throw new BlockError(
      'UNSUPPORTED',
      `${store.urlOf(keys.root)}: the store does not honour conditional writes, so a second writer would not be noticed; allowUnsafeStore goes on all the same`,
    );
  }
  return abilities;
}

/** The key that the probe plays with. */
class Scratch {
  readonly #store: ObjectStore;
  readonly #key: string;
  /** Of the version that is there. */
  etag: string | undefined;

  constructor(store: ObjectStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  /** Whether it was carried out. Throws what says nothing about conditions. */
  async put(condition: Condition): Promise<boolean> {
    const stamp: Stamp = { volumeId: newId(), epoch: 0, writeId: newId() };
    const result = await this.#store.put(this.#key, Buffer.from(stamp.writeId), condition, stamp);
    if (result.kind === 'stored') this.etag = result.etag;
    // `UNSUPPORTED` and `IO` are how the refusal of a condition that the store does not know comes out.
    if (result.kind === 'failed' && result.error.code !== 'UNSUPPORTED' && result.error.code !== 'IO')
      throw result.error;
    return result.kind === 'stored';
  }

  async delete(etag: string | undefined): Promise<'gone' | 'changed'> {
    const [result = 'gone'] = await this.#store.deleteBatch([{ key: this.#key, etag }]);
    if (result === 'gone' || result === 'changed') return result;
    throw result;
  }
}

async function probePuts(scratch: Scratch): Promise<boolean> {
  if (!(await scratch.put('absent')) || scratch.etag === undefined) return false;
  const { etag } = scratch;
  const wrong = await Promise.all([scratch.put('absent'), scratch.put({ etag: NO_ETAG })]);
  return !wrong.includes(true) && (await scratch.put({ etag }));
}

/** Removes the scratch key, trying first with an ETag that is wrong. */
async function probeDelete(scratch: Scratch): Promise<boolean> {
  try {
    if ((await scratch.delete(NO_ETAG)) === 'gone') return false;
  } catch {
    // A store that does not know ETags here. What follows tells whether it can delete at all.
    await scratch.delete(undefined);
    return false;
  }
  await scratch.delete(scratch.etag);
  return true;
}
