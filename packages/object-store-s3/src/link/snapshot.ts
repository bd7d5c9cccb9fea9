import type { BlockError } from '@blockyard/block';
import type { Traffic } from '@blockyard/object-store';
import type { AttemptCounts } from './attempts-made.js';

/** How the way to the store is, as far as all requests together know. */
export interface StoreAvailability {
  /** Nothing has been answered for a while, and requests are held back. */
  readonly isAway: boolean;
  /** For how long, in milliseconds, from the first failure on; undefined unless it is away. */
  readonly awayMs: number | undefined;
  /** In how many milliseconds a request is let through to see, if one waits; undefined unless it is away. */
  readonly nextTryMs: number | undefined;
  /** What the last request failed with that had no answer; undefined unless it is away. */
  readonly error: BlockError | undefined;
}

/** What has gone over a store's handle since it was opened, and how it is now. Copies, so they do not change. */
export interface S3StoreSnapshot {
  /** Requests and bytes. */
  readonly traffic: Traffic;
  /** Attempts, by kind and class: how many failed, and how long they took. */
  readonly attempts: readonly AttemptCounts[];
  /** Requests that were sent and are not answered. */
  readonly requestsInFlight: number;
  /** Requests that wait while the store is away. */
  readonly requestsHeldBack: number;
  /** Data requests that may be in flight at once now. */
  readonly concurrency: number;
  readonly availability: StoreAvailability;
}
