import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { STORE_EVENTS_CHANNEL, StoreEvent } from '@blockyard/uri';

/** By its name, so that the backend is loaded only where it is used. */
const CHANNEL: typeof STORE_EVENTS_CHANNEL = 'blockyard:s3';

/** Writes a line for each thing that happens between a device and its store, until the function that it gives is called. */
export function followStores(
  write: (line: string, fields: Readonly<Record<string, unknown>>) => void,
  now = () => new Date(),
): () => void {
  const onEvent = (event: unknown) => write(textOf(event as StoreEvent, now()), fieldsOf(event as StoreEvent));
  subscribe(CHANNEL, onEvent);
  return () => {
    unsubscribe(CHANNEL, onEvent);
  };
}

function fieldsOf(event: StoreEvent): Readonly<Record<string, unknown>> {
  const { type, store } = event;
  const forMs = 'forMs' in event ? { forMs: event.forMs } : {};
  return { event: type, store, ...forMs, ...(event.type === 'away' ? { code: event.error.code } : {}) };
}

/** What a store says is quoted, so that no control character reaches a terminal. */
function textOf(event: StoreEvent, now: Date): string {
  switch (event.type) {
    case 'away': {
      const since = new Date(now.getTime() - event.forMs).toISOString();
      return `store away since ${since}: ${JSON.stringify(`${event.error.code}: ${event.error.message}`)}; waiting`;
    }
    case 'back':
      return `store back after ${(event.forMs / 1000).toFixed(1)} s: ${JSON.stringify(event.store)}`;
    case 'credentials':
      return `credentials refused by ${JSON.stringify(event.store)}; ${event.changed ? 'others were found' : 'no others were found'}`;
  }
}
