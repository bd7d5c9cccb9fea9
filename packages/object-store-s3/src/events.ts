import { channel } from 'node:diagnostics_channel';
import type { BlockError } from '@blockyard/block';

/** Name of the `diagnostics_channel` that {@link StoreEvent}s are published on. */
export const STORE_EVENTS_CHANNEL = 'blockyard:s3';

/** What happens between an open volume and its store. `store` is the volume: `s3://bucket/prefix`. */
export type StoreEvent =
  /** Nothing has been answered for `forMs`, and requests are held back; `error` is what the last one failed with. */
  | { readonly type: 'away'; readonly store: string; readonly forMs: number; readonly error: BlockError }
  /** An answer, after `forMs` without one. */
  | { readonly type: 'back'; readonly store: string; readonly forMs: number }
  /** The store refused the credentials, and there was a look at where they come from. */
  | { readonly type: 'credentials'; readonly store: string; readonly changed: boolean };

const events = channel(STORE_EVENTS_CHANNEL);

/** `make` is called only if there are subscribers. */
export function publish(make: () => StoreEvent): void {
  if (events.hasSubscribers) events.publish(make());
}
