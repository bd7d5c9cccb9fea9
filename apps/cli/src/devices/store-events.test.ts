import { channel } from 'node:diagnostics_channel';
import { STORE_EVENTS_CHANNEL, type StoreEvent } from '@blockyard/backend-s3';
import { BlockError } from '@blockyard/block';
import { expect, test } from 'vitest';
import { followStores } from './store-events.js';

test('what happens between a device and its store is a line each, until no one listens', () => {
  const lines: string[] = [];
  const unfollow = followStores(
    (line) => lines.push(line),
    () => new Date('2026-01-02T03:04:05Z'),
  );
  const events = channel(STORE_EVENTS_CHANNEL);
  const publish = (event: StoreEvent) => events.publish(event);
  const store = 's3://bucket/volume';
  const error = new BlockError('UNAVAILABLE', `${store}: ECONNREFUSED\u001b[31m`);
  publish({ type: 'away', store, forMs: 5000, error });
  publish({ type: 'back', store, forMs: 65_432 });
  publish({ type: 'credentials', store, changed: true });
  publish({ type: 'credentials', store, changed: false });
  expect(lines).toEqual([
    'store away since 2026-01-02T03:04:00.000Z: "UNAVAILABLE: s3://bucket/volume: ECONNREFUSED\\u001b[31m"; waiting',
    'store back after 65.4 s: "s3://bucket/volume"',
    'credentials refused by "s3://bucket/volume"; others were found',
    'credentials refused by "s3://bucket/volume"; no others were found',
  ]);
  unfollow();
  publish({ type: 'back', store, forMs: 1 });
  expect(lines).toHaveLength(4);
});
