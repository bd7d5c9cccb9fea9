import type { BlockError } from '@blockyard/block';
import type { ByteRange, OpenSink } from './sink.js';
import type { Traffic } from './traffic.js';
import type { ObjectVersion } from './version.js';

/** Most keys in one delete and in one page of a listing: those of S3. */
export const MAX_BATCH_KEYS = 1000;

/**
 * What must hold for a PUT to be carried out: that there is no such object; that it is of that version; or nothing (`'any'`).
 */
export type Condition = 'absent' | 'any' | { readonly etag: string };

/**
 * The outcome of a PUT: done, certainly not done, or unknown.
 *
 * `late`: an attempt at it was not answered, so it may still arrive, and is then carried out if its condition happens to hold.
 */
export type PutResult =
  /** Done: the object is there, and durable. */
  | { readonly kind: 'stored'; readonly etag: string; readonly late: boolean }
  /** Not done, because the condition does not hold. `found` is what is there instead. */
  | { readonly kind: 'lost'; readonly found: ObjectVersion | undefined; readonly late: boolean }
  /** Not done, or, if it is `late`, unknown: the object may be there, or may come. */
  | { readonly kind: 'failed'; readonly error: BlockError; readonly late: boolean };

/**
 * What a GET found: the version that the bytes are of, or undefined if there is no such object. `'beyond'`: the object ends
 * before the range, and its version is not known. `'busy'`: the store could not answer because the object was being replaced,
 * several times over.
 */
export type GetResult = ObjectVersion | 'beyond' | 'busy' | undefined;

/** An object to delete: whatever version is there, or only the one of this ETag where the store can do that. */
export interface Deletion {
  readonly key: string;
  readonly etag?: string | undefined;
}

/** Per key: it is gone; another version is there, and stays; or an error, after which it may exist or not. */
export type DeleteResult = 'gone' | 'changed' | BlockError;

/** An object as a listing has it. */
export interface Listed {
  readonly key: string;
  readonly etag: string;
  /** Bytes of the whole object. */
  readonly sizeBytes: number;
  /** When it was stored, by the store's clock, in milliseconds since 1970; `NaN` if the store does not say. */
  readonly modifiedMs: number;
}

/** Which keys a listing gives, and in which order. */
export interface ListOptions {
  /**
   * Whether the keys must come in the order of their UTF-8 bytes. If not they come in any order, which every store can do. If
   * so, `UNSUPPORTED` from a store that has none. Default: false.
   */
  readonly inOrder?: boolean | undefined;
  /** Only keys after this one. With `inOrder`. */
  readonly after?: string | undefined;
  /**
   * A key with the prefix that exists. A listing that ends without it, or with `inOrder` before it, is `CORRUPT`: it must have
   * left out other keys too.
   */
  readonly reaches?: string | undefined;
  /** Keys in a page, at most {@link MAX_BATCH_KEYS}, the default. */
  readonly maxKeys?: number | undefined;
}

/** The times of one answer, by the store's clocks, in milliseconds since 1970. */
export interface AnswerDates {
  /** When the store answered, if it says so. */
  readonly answeredMs: number | undefined;
  /** When the object of the answer was stored last, if it says so. */
  readonly storedMs: number | undefined;
}

/** The clocks of a store: a second clock, which goes on while this machine, or this process, stands still. */
export interface StoreDates {
  /** When the store gave its last answer to any request. Undefined if it does not say. */
  readonly latestMs: number | undefined;
  /** From now on the dates of answers about this key are kept, in place of those of another. */
  watch(key: string): void;
  /** Of the last answer about the key that is watched. */
  readonly watched: AnswerDates | undefined;
}

/** What a store can do, as {@link ObjectStore.probe} found it. */
export interface StoreAbilities {
  /** PUT honours `'absent'` and ETags. If not, conditions are not looked at, and every PUT is carried out. */
  readonly conditionalPuts: boolean;
  /** Deletes honour ETags. If not, they delete whatever is there. */
  readonly conditionalDeletes: boolean;
  /** Why the store refused a condition that it should have looked at, if it said why. */
  readonly refusal: BlockError | undefined;
}

/** Where a store is probed, and for what. */
export interface ProbeOptions {
  /** What the keys of scratch objects begin with; an id of 32 characters is added. No other key begins so. */
  readonly scratchPrefix: string;
  /** Whether listings must be in order: `UNSUPPORTED` if the store has none. Default: false. */
  readonly inOrder?: boolean | undefined;
  /**
   * Given where the store has not been used so far: then listings are also looked at page by page, deletes are looked after,
   * and PUTs race each other. It is called while a scratch object exists, with its key, by which a listing shows that it is
   * complete.
   */
  readonly whileScratchExists?: ((key: string) => Promise<void>) | undefined;
}

/**
 * A place for objects: bytes under a key, replaced as a whole. One bucket of S3, or what does the same.
 *
 * What it promises:
 *
 * - A PUT that was answered is durable, and every request that begins afterwards sees it. A GET gives bytes of one version.
 * - Of several conditional PUTs of one key with the same condition at the same time one at most is carried out, whichever
 *   process or machine they come from: `'absent'` makes a fence, an ETag a compare-and-swap.
 * - What a caller has to expect (no such key, a condition that does not hold, a lost reply) is a result. Everything else is
 *   thrown as a `BlockError` whose message names the request and the URL; `UNAVAILABLE` and `TIMEOUT` once the store's own
 *   attempts have failed.
 * - Nothing is sent, and no buffer is touched, for a request that has settled, except by a PUT that is `late`.
 *
 * Any number of requests may be in flight; callers bound them.
 */
export interface ObjectStore {
  readonly dates: StoreDates;
  /** What has gone over this handle since it was opened. */
  readonly traffic: Traffic;

  /** Names an object in messages: `s3://bucket/key`. */
  urlOf(key: string): string;

  /**
   * Gives a range of the object's bytes to the sink that `open` chooses, as they come, as far as the object has them. A range
   * has at least one byte. The sink's or `open`'s own BlockError is passed on.
   */
  get(key: string, range: ByteRange, open: OpenSink): Promise<GetResult>;

  /** Undefined if there is no such object. */
  head(key: string): Promise<ObjectVersion | undefined>;

  /**
   * Stores an object if `condition` holds. Never rejects. The body may be changed once it has settled, unless the result is
   * `late`.
   *
   * The stamp is kept beside the object: up to 1,024 printable ASCII characters, no space at either end. By it a store
   * recognizes what it stored itself when a reply was lost, so two PUTs of a key have the same stamp only if they have the same
   * body. So a PUT that is repeated, with its stamp, after its fate was unknown is `stored` if either of them was carried out,
   * and `lost` if another one came first.
   */
  put(key: string, body: Uint8Array, condition: Condition, stamp: string): Promise<PutResult>;

  /**
   * Deletes up to {@link MAX_BATCH_KEYS} objects, each on its own: some may be gone and others not. Results in the order of
   * `objects`. Rejects if nothing is known of any of them.
   */
  delete(objects: readonly Deletion[]): Promise<DeleteResult[]>;

  /**
   * The objects whose keys begin with `prefix`, a page at a time. Those that are stored or deleted meanwhile are there or not;
   * all others are there once.
   */
  list(prefix: string, options?: ListOptions): AsyncGenerator<readonly Listed[], void>;

  /**
   * Finds out what the store can do, on scratch objects of which nothing stays, and makes this handle behave accordingly.
   * `UNSUPPORTED` if it does not keep what every user relies on: ranges, stamps, listings, deletes.
   */
  probe(options: ProbeOptions): Promise<StoreAbilities>;

  /** Ends what is in flight, and refuses what comes later: `DISCONNECTED`. */
  close(): void;
}
