import { forEachParallel } from '@blockyard/block/async';
import { MAX_BATCH_KEYS, type ObjectStore } from '@blockyard/object-store';
import type { RootObject } from '@blockyard/volume-root';
import { dataKey, type Keys } from '../layout/keys.js';
import type { Root } from '../root/root.js';
import { listData } from './listing.js';

/** Batches in flight at once. */
const BATCHES_MAX = 4;

/** Looks in flight at once at objects of a batch that a listing did not have. */
const HEADS_MAX = 8;

/** Objects of one discard that are given to the deleter at once: enough to fill all batches. */
export const DELETES_AHEAD = BATCHES_MAX * MAX_BATCH_KEYS;

interface Wanted {
  readonly index: number;
  /** The version to delete, if it is known. */
  etag: string | undefined;
  readonly settle: (outcome: 'gone' | 'changed') => void;
  readonly fail: (error: unknown) => void;
}

type DeleterStore = Pick<ObjectStore, 'list' | 'head' | 'delete'>;

/**
 * Deletes data objects, up to a thousand in one request: all that are wanted before the next macrotask, or while a request is
 * under way.
 *
 * A delete cannot be taken back, and not every store can make it conditional. So before each batch the root is looked at: a
 * writer that was replaced deletes nothing. Where the store honours ETags in deletes they close the rest of the gap: they were
 * learnt before that look, so they are of versions older than any other writer, and of none that comes after.
 */
export class Deleter {
  readonly #store: DeleterStore;
  readonly #keys: Keys;
  readonly #root: Pick<RootObject<Root>, 'verify'>;
  readonly #conditional: boolean;
  /** As many as there are callers that wait. */
  #queue: Wanted[] = [];
  #running = 0;
  #scheduled = false;

  constructor(store: DeleterStore, keys: Keys, root: Pick<RootObject<Root>, 'verify'>, conditional: boolean) {
    this.#store = store;
    this.#keys = keys;
    this.#root = root;
    this.#conditional = conditional;
  }

  /**
   * Resolves with `gone` when the object no longer exists, with `changed` when it is not in the version `etag`. If it rejects,
   * the object may exist or not.
   */
  delete(index: number, etag: string | undefined): Promise<'gone' | 'changed'> {
    return new Promise((settle, fail) => {
      this.#queue.push({ index, etag, settle, fail });
      if (this.#scheduled) return;
      this.#scheduled = true;
      // Not at once, so that what is wanted before the next macrotask goes along.
      setImmediate(() => {
        this.#scheduled = false;
        this.#pump();
      });
    });
  }

  #pump(): void {
    while (this.#running < BATCHES_MAX && this.#queue.length >= (this.#running === 0 ? 1 : MAX_BATCH_KEYS)) {
      this.#running++;
      void this.#send(this.#queue.splice(0, MAX_BATCH_KEYS)).finally(() => {
        this.#running--;
        this.#pump();
      });
    }
  }

  async #send(batch: readonly Wanted[]): Promise<void> {
    try {
      if (this.#conditional) await this.#learnVersions(batch);
      await this.#root.verify();
      const existing = this.#conditional ? batch.filter(({ etag }) => etag !== undefined) : batch;
      const objects = existing.map(({ index, etag }) => ({
        key: dataKey(this.#keys, index),
        etag: this.#conditional ? etag : undefined,
      }));
      const results = objects.length === 0 ? [] : await this.#store.delete(objects);
      const resultOf = new Map(existing.map((wanted, number) => [wanted, results[number]]));
      for (const wanted of batch) {
        const result = resultOf.get(wanted) ?? 'gone';
        if (result === 'gone' || result === 'changed') wanted.settle(result);
        else wanted.fail(result);
      }
    } catch (error) {
      for (const { fail } of batch) fail(error);
    }
  }

  /**
   * Finds the versions that are not known, a page of the listing at a time. What is not in it is asked for by itself: that a
   * listing lacks an object does not show that it is gone.
   */
  async #learnVersions(batch: readonly Wanted[]): Promise<void> {
    const unknown = new Map<number, Wanted>();
    for (const wanted of batch) if (wanted.etag === undefined) unknown.set(wanted.index, wanted);
    const indices = [...unknown.keys()].sort((a, b) => a - b);
    let listedTo = -1;
    for (const index of indices) {
      if (index <= listedTo) continue;
      listedTo = index;
      for await (const { objects, isLast } of listData(this.#store, this.#keys, index)) {
        for (const { index: found, etag } of objects) {
          const wanted = unknown.get(found);
          if (wanted !== undefined) wanted.etag = etag;
          listedTo = Math.max(listedTo, found);
        }
        if (isLast) listedTo = Number.MAX_SAFE_INTEGER;
        break;
      }
    }
    const unlisted = [...unknown.values()].filter(({ etag }) => etag === undefined);
    await forEachParallel(unlisted, { maxConcurrency: HEADS_MAX }, async (wanted) => {
      wanted.etag = (await this.#store.head(dataKey(this.#keys, wanted.index)))?.etag;
    });
  }
}
