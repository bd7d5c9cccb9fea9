import type { RequestKind } from './traffic.js';

/**
 * Name of the tracing channel of `node:diagnostics_channel` on which stores publish {@link StoreRequest}s: `start` and `end` around
 * the call, `asyncStart` and `asyncEnd` around its outcome, `error` before that where it failed.
 */
export const STORE_REQUESTS_CHANNEL = 'blockyard:store';

/** One request to a store, with all its attempts. The same object at each of its events; what took how long is known at its end. */
export interface StoreRequest {
  /** The store, or the volume in it: `s3://bucket/prefix`. */
  readonly store: string;
  readonly kind: RequestKind;
  /** The object, the first of several, or what the keys begin with that are listed. */
  readonly key: string;
  readonly uploadBytes: number;
  /** As many as are asked for. */
  readonly downloadBytes: number;
  readonly attempts: number;
  /** In milliseconds: while the store is away, for a place among those in flight, and between attempts. */
  readonly waitedMs: number;
  /** Of the last attempt: until the beginning of the answer came, and from then on; undefined if none came, or it is not known. */
  readonly firstByteMs: number | undefined;
  readonly transferMs: number | undefined;
  /** What it failed with, once it has. A missing object, or a condition that does not hold, is an answer. */
  readonly error?: unknown;
}
