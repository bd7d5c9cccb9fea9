import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '@blockyard/block';
import { TrafficCounter } from '@blockyard/object-store';
import { expect, test } from 'vitest';
import type { Credentials } from './credentials.js';
import { Limiter } from './limiter.js';
import { Link } from './link.js';
import { Outage } from './outage.js';

const DEPTH = 64;
const ATTEMPTS = 10_240;
/** Of 8 bytes each, in the memory of JavaScript itself. */
const NUMBERS_HELD = 512;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;
setFlagsFromString('--no-expose-gc');

/** Of what has been in use for a while. */
function oldBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'old_space')?.space_used_size ?? Number.NaN;
}

test('what an attempt holds goes with it, and does not wait for all of memory to be collected', async () => {
  const clock = systemClock;
  const link = new Link(
    { name: 's3://bucket', clock, random: () => 0, requestTimeoutMs: 1000, maxOutageMs: 0, maxAttempts: 1 },
    {
      traffic: new TrafficCounter(),
      outage: new Outage({ clock, random: () => 0, onAway: () => {}, onBack: () => {} }),
      limiter: new Limiter({ clock, min: DEPTH, max: DEPTH, slowMs: 1000 }),
      credentials: { generation: 0 } as Credentials,
    },
  );
  const nothing = async () => {};
  const answer = new Array<() => void>(DEPTH).fill(nothing);
  const underWay = new Array<() => Promise<void>>(DEPTH).fill(nothing);
  const begin = (place: number) => {
    const outcome = link.run({ kind: 'get', key: 'key', what: 'GET' }, ({ abort }) => {
      const held = new Array<number>(NUMBERS_HELD).fill(0.5);
      abort?.listen(() => held.fill(0));
      return new Promise<void>((resolve) => {
        answer[place] = resolve;
      });
    });
    underWay[place] = () => outcome;
  };
  const end = (place: number) => {
    answer[place]?.();
    return underWay[place]?.();
  };
  collect({ type: 'major' });
  const before = oldBytes();
  for (let count = 0; count < ATTEMPTS; count++) {
    const place = count % DEPTH;
    await end(place);
    begin(place);
    if (count % 1024 === 0) collect({ type: 'minor' });
  }
  expect(oldBytes() - before).toBeLessThan((ATTEMPTS * NUMBERS_HELD * 8) / 8);
  for (let place = 0; place < DEPTH; place++) await end(place);
  link.close();
});
