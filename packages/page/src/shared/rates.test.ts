import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatPlace, formatSeconds, formatUs, formatUsd } from './format.js';
import type { Counters, FactsMessage } from './messages.js';
import { pointBetween, quantileUs } from './rates.js';

const DEVICE = {
  generation: 1,
  name: 'd',
  exportName: null,
  sectorSize: 512,
  sizeSectors: 8,
  readOnly: false,
  hasMap: true,
};
const CACHE = { lookups: 0, hits: 0, dirtyBytes: 0, dirtyLimitBytes: 50, heldBytes: 10, maxSizeBytes: 100 };
const facts = (atMs: number, counters: Counters, generation = 1): FactsMessage => ({
  atMs,
  names: [],
  device: { ...DEVICE, generation },
  status: null,
  counters,
});

test('rates are of the time between two looks, and ratios of what happened in it', () => {
  const before = facts(1000, { cache: { ...CACHE, lookups: 100, hits: 100 }, store: storeOf(10, 1) });
  const after = facts(3000, { cache: { ...CACHE, lookups: 140, hits: 110, dirtyBytes: 7 }, store: storeOf(50, 3) });
  const { hitRatio, dirty, dirtyLimit, budget, storeRequests, storeUsdPerMonth, clientReads } =
    pointBetween(before, after)?.values ?? {};
  expect({ hitRatio, dirty, dirtyLimit, budget, storeRequests, clientReads }).toEqual({
    hitRatio: 0.25,
    dirty: 7,
    dirtyLimit: 50,
    budget: 100,
    storeRequests: 20,
    clientReads: null,
  });
  expect(storeUsdPerMonth).toBeCloseTo((365.25 / 12) * 86_400);
});

test('counters of another device are not compared with those before', () => {
  expect(pointBetween(facts(1000, { cache: CACHE }), facts(2000, { cache: CACHE }, 2))).toBeUndefined();
  expect(pointBetween(facts(1000, { cache: CACHE }), facts(1000, { cache: CACHE }))).toBeUndefined();
});

test('a quantile is the bound that so many stay below', () => {
  // 90 below 25 microseconds, 9 more below 100, one below 200.
  const below = [90, 90, 99, ...new Array<number>(19).fill(100)];
  expect([0.5, 0.9, 0.99, 1].map((quantile) => quantileUs(below, quantile))).toEqual([25, 25, 100, 200]);
  expect(quantileUs([0, 0], 0.5)).toBeNull();
});

test('quantities are short, with their units', () => {
  expect([0, 512, 1536, 2 ** 43, 1023.99 * 1024].map(formatBytes)).toEqual([
    '0 B',
    '512 B',
    '1.5 KiB',
    '8 TiB',
    '1 MiB',
  ]);
  expect([formatPlace(2 ** 30 + 4096 * 64), formatPlace(0)]).toEqual(['1.0002 GiB', '0 B']);
  expect([7, 1234, 12_345, 2.5e6].map(formatCount)).toEqual(['7', '1234', '12.3 k', '2.5 M']);
  expect([25, 3200, 1.6e6].map(formatUs)).toEqual(['25 µs', '3.2 ms', '1.6 s']);
  expect([0.31, 42, 200, 7500].map(formatSeconds)).toEqual(['0.3 s', '42 s', '3 min 20 s', '2 h 5 min']);
  expect([0, 0.00001, 0.0123, 3.4, 1234.5].map(formatUsd)).toEqual([
    '$0.00',
    'under $0.0001',
    '$0.0123',
    '$3.40',
    '$1,235',
  ]);
});

function storeOf(requests: number, usd: number) {
  return { requests, uploadBytes: 0, downloadBytes: 0, usd };
}
