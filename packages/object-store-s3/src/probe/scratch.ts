import { BlockError } from '@blockyard/block';
import {
  type Condition,
  compareKeys,
  isId,
  type Listed,
  MAX_BATCH_KEYS,
  newId,
  type ProbeOptions,
  readInto,
} from '@blockyard/object-store';
import type { ProbedStore } from './probed-store.js';

/** Times that a removal is tried when the probe itself has failed. */
const CLEAR_TRIES_MAX = 2;

/** How much older than a new one a scratch key is that no one uses: a probe takes seconds, or the length of an outage. */
const STALE_MS = 3_600_000;

/** The range that is asked for: neither at the start nor at the end of the contents. */
const RANGE_OFFSET = 5;
const RANGE_BYTES = 9;

/** A key that a probe plays with, of which nothing stays. The object's contents are its stamp. */
export class Scratch {
  readonly key: string;
  readonly #store: ProbedStore;
  #etag: string | undefined;
  /** A PUT was carried out, or may have been. */
  #mayExist = false;
  /** Why the store refused a condition that it should have looked at, if it said why. */
  refusal: BlockError | undefined;

  constructor(store: ProbedStore, key: string) {
    this.#store = store;
    this.key = key;
  }

  /** Of the version that was stored last. */
  get etag(): string {
    if (this.#etag === undefined) throw this.#unsupported('was not stored');
    return this.#etag;
  }

  /** Whether it was carried out. Throws what says nothing about conditions. */
  async put(condition: Condition): Promise<boolean> {
    const stamp = newId();
    const result = await this.#store.put(this.key, Buffer.from(stamp), condition, stamp);
    this.#mayExist ||= result.kind === 'stored' || result.late;
    if (result.kind === 'stored') this.#etag = result.etag;
    if (result.kind === 'failed') {
      // `UNSUPPORTED` and `IO` are how the refusal of a condition that the store does not know comes out.
      if (result.error.code !== 'UNSUPPORTED' && result.error.code !== 'IO') throw result.error;
      this.refusal ??= result.error;
    }
    return result.kind === 'stored';
  }

  /** A PUT without a condition. What it fails with is not the condition's fault. */
  async putAnyway(): Promise<void> {
    const { refusal } = this;
    this.refusal = undefined;
    try {
      if (!(await this.put('any'))) throw this.refusal ?? this.#unsupported('a PUT was refused');
    } finally {
      this.refusal = refusal;
    }
  }

  /** `UNSUPPORTED` if a range, or what is asked for as one, is not that part of the object, or the stamp is gone. */
  async checkContents(): Promise<void> {
    const target = new Uint8Array(RANGE_BYTES);
    const version = await readInto(this.#store, this.key, [target], RANGE_OFFSET);
    if (typeof version !== 'object') throw this.#unsupported('an object that was just stored is not found');
    if (!isId(version.stamp)) {
      throw this.#unsupported('the store does not keep user metadata (x-amz-meta-*) as they are');
    }
    const expected = version.stamp.slice(RANGE_OFFSET, RANGE_OFFSET + RANGE_BYTES);
    if (Buffer.from(target).toString('latin1') !== expected) {
      throw this.#unsupported('a range of an object is not that part of it');
    }
  }

  /** `changed`: it is another version than that of `etag`. */
  async delete(etag?: string): Promise<'gone' | 'changed'> {
    const [result = 'gone'] = await this.#store.delete([{ key: this.key, etag }]);
    if (result === 'gone' || result === 'changed') return result;
    throw result;
  }

  /** Deletes whatever version is there. */
  async remove(): Promise<void> {
    if ((await this.delete()) !== 'gone') throw this.#unsupported('the store does not delete');
  }

  /** Takes away what may be there, after a failure; that is the one to tell, so this does not throw. */
  async clear(): Promise<void> {
    if (!this.#mayExist) return;
    for (let tries = 0; tries < CLEAR_TRIES_MAX; tries++) {
      const isGone = await this.delete().then(
        async () => (await this.#store.head(this.key)) === undefined,
        () => false,
      );
      if (isGone) return;
    }
  }

  /** `UNSUPPORTED` if the object is still there after it was deleted. */
  async checkGone(): Promise<void> {
    if ((await this.#store.head(this.key)) !== undefined)
      throw this.#unsupported('an object that was deleted is still there');
  }

  #unsupported(what: string): BlockError {
    return new BlockError('UNSUPPORTED', `${this.#store.urlOf(this.key)}: ${what}`);
  }
}

/**
 * Looks for the scratch keys in a listing of all that there are, `maxKeys` to a page. `CORRUPT` or `UNSUPPORTED` if they are
 * not there, or not in order.
 *
 * Takes away what a process left behind that died over its probe: by the store's own clock, keys much older than these.
 */
export async function checkListed(
  store: ProbedStore,
  { scratchPrefix, inOrder }: ProbeOptions,
  scratches: readonly Scratch[],
  maxKeys?: number,
): Promise<void> {
  const missing = new Set(scratches.map(({ key }) => key));
  const reaches = [...missing].sort(compareKeys).at(-1);
  const others: Listed[] = [];
  let newestMs = Number.NEGATIVE_INFINITY;
  for await (const objects of store.list(scratchPrefix, { inOrder, reaches, maxKeys })) {
    for (const object of objects) {
      if (missing.delete(object.key)) newestMs = Math.max(newestMs, object.modifiedMs);
      else if (isId(object.key.slice(scratchPrefix.length))) others.push(object);
    }
    if (missing.size === 0) break;
  }
  const [key] = missing;
  if (key !== undefined) {
    throw new BlockError('UNSUPPORTED', `${store.urlOf(key)}: a listing does not have an object that was just stored`);
  }
  const stale = others.filter(({ modifiedMs }) => modifiedMs < newestMs - STALE_MS);
  // What stays is of no harm, and found again.
  if (stale.length > 0)
    await store.delete(stale.slice(0, MAX_BATCH_KEYS).map((object) => ({ key: object.key }))).catch(() => {});
}
