import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Counts,
  copyOfTraffic,
  costOf,
  MemoryStore,
  newId,
  type Prices,
  pricesOf,
  readInto,
  S3_STANDARD_PRICES,
  storageUsdPerMonth,
  TrafficCounter,
  trafficBetween,
} from './index.js';
import { REQUEST_KINDS } from './traffic.js';

const GB = 2 ** 30;
const count = fc.integer({ min: 0, max: 1e9 });
const counts: fc.Arbitrary<Counts> = fc.record({
  requests: fc.record({ get: count, head: count, put: count, delete: count, list: count }),
  uploadBytes: fc.integer({ min: 0, max: 1e15 }),
  downloadBytes: fc.integer({ min: 0, max: 1e15 }),
});
const usd = fc.integer({ min: 0, max: 1e6 }).map((micros) => micros / 1e6);
const prices: fc.Arbitrary<Prices> = fc.record({
  per1000WritesUsd: usd,
  per1000ReadsUsd: usd,
  per1000DeletesUsd: usd,
  uploadPerGbUsd: usd,
  downloadPerGbUsd: usd,
  storagePerGbMonthUsd: usd,
});

/** Equal but for the rounding of floating point numbers. */
function expectUsd(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
}

function sumOf(a: Counts, b: Counts): Counts {
  const requests = Object.fromEntries(REQUEST_KINDS.map((kind) => [kind, a.requests[kind] + b.requests[kind]]));
  return {
    requests: requests as Counts['requests'],
    uploadBytes: a.uploadBytes + b.uploadBytes,
    downloadBytes: a.downloadBytes + b.downloadBytes,
  };
}

const requests = fc.array(
  fc.record({
    kind: fc.constantFrom(...REQUEST_KINDS),
    key: fc.constantFrom('data/1', 'data/2', 'root', 'trash'),
    up: fc.integer({ min: 0, max: 1000 }),
    down: fc.integer({ min: 0, max: 1000 }),
  }),
  { maxLength: 40 },
);
const classOf = (key: string) => key.split('/')[0] ?? '';

function note(
  counter: TrafficCounter,
  done: {
    kind: Counts['requests'] extends Record<infer K, number> ? K : never;
    key: string;
    up: number;
    down: number;
  }[],
): void {
  for (const { kind, key, up, down } of done) {
    counter.sent(kind, key, up);
    counter.received(key, down);
  }
}

test('the classes of traffic add up to all of it', () => {
  fc.assert(
    fc.property(requests, (done) => {
      const counter = new TrafficCounter(classOf);
      note(counter, done);
      const { requests: all, uploadBytes, downloadBytes, classes } = copyOfTraffic(counter);
      const nothing: Counts = {
        requests: { get: 0, head: 0, put: 0, delete: 0, list: 0 },
        uploadBytes: 0,
        downloadBytes: 0,
      };
      expect(Object.values(classes).reduce(sumOf, nothing)).toEqual({ requests: all, uploadBytes, downloadBytes });
      expect(Object.keys(classes).sort()).toEqual([...new Set(done.map(({ key }) => classOf(key)))].sort());
    }),
  );
});

test('the traffic of a while is what came to it meanwhile', () => {
  fc.assert(
    fc.property(requests, requests, (first, second) => {
      const [both, alone] = [new TrafficCounter(classOf), new TrafficCounter(classOf)];
      note(both, first);
      const before = copyOfTraffic(both);
      note(both, second);
      note(alone, second);
      const between = trafficBetween(before, both);
      const { classes, ...all } = copyOfTraffic(alone);
      expect(between).toMatchObject(all);
      expect(between.classes).toEqual(classes);
      expect(trafficBetween(both, both)).toMatchObject({ uploadBytes: 0, classes: {} });
    }),
  );
});

test('names of classes without end are counted together', () => {
  const counter = new TrafficCounter((key) => key);
  for (let key = 0; key < 1000; key++) counter.sent('get', String(key));
  expect([counter.classOf('0'), counter.classOf('999')]).toEqual(['0', 'other']);
  const { classes } = counter;
  expect(Object.keys(classes).length).toBeLessThan(100);
  expect(Object.values(classes).reduce((sum, { requests: { get } }) => sum + get, 0)).toBe(1000);
});

test('a store in memory tells the classes of its traffic', async () => {
  const store = new MemoryStore({ classOf });
  await store.put('data/1', new Uint8Array(10), 'absent', newId());
  await readInto(store, 'data/1', [new Uint8Array(4)], 0);
  await store.head('root');
  for await (const _ of store.list('data/'));
  await store.delete([{ key: 'trash' }]);
  expect(store.traffic.classes).toMatchObject({
    data: { requests: { put: 1, get: 1, list: 1, head: 0, delete: 0 }, uploadBytes: 10, downloadBytes: 4 },
    root: { requests: { head: 1 } },
    trash: { requests: { delete: 1 } },
  });
});

test('a cost is the sum of its parts', () => {
  fc.assert(
    fc.property(counts, prices, (traffic, table) => {
      const { requestsUsd, transferUsd, totalUsd } = costOf(traffic, table);
      expectUsd(Object.values(requestsUsd).reduce((a, b) => a + b) + transferUsd, totalUsd);
    }),
  );
});

test('the cost of two is the cost of one and of the other', () => {
  fc.assert(
    fc.property(counts, counts, prices, (a, b, table) => {
      expectUsd(costOf(sumOf(a, b), table).totalUsd, costOf(a, table).totalUsd + costOf(b, table).totalUsd);
    }),
  );
});

test('each kind of request has the price of its class, and no other', () => {
  fc.assert(
    fc.property(count, prices, (many, table) => {
      for (const [kind, price] of [
        ['put', table.per1000WritesUsd],
        ['list', table.per1000WritesUsd],
        ['get', table.per1000ReadsUsd],
        ['head', table.per1000ReadsUsd],
        ['delete', table.per1000DeletesUsd],
      ] as const) {
        const requests = { get: 0, head: 0, put: 0, delete: 0, list: 0, [kind]: many };
        expectUsd(costOf({ requests, uploadBytes: 0, downloadBytes: 0 }, table).totalUsd, (many / 1000) * price);
      }
    }),
  );
});

test('a thousand of each, and a gigabyte each way, at list prices', () => {
  const traffic = {
    requests: { get: 1000, head: 1000, put: 1000, delete: 1000, list: 1000 },
    uploadBytes: GB,
    downloadBytes: GB,
  };
  expectUsd(costOf(traffic).totalUsd, 0.0108);
  expectUsd(costOf(traffic, pricesOf({ downloadPerGbUsd: 0.09 })).totalUsd, 0.1008);
  expectUsd(storageUsdPerMonth(100 * GB), 2.3);
});

test('a table is completed with list prices, and refused if it makes no sense', () => {
  expect(pricesOf({ per1000ReadsUsd: 1 })).toEqual({ ...S3_STANDARD_PRICES, per1000ReadsUsd: 1 });
  for (const wrong of [
    { per1000ReadsUsd: -1 },
    { per1000ReadsUsd: Number.NaN },
    { per1000ReadsUsd: '1' },
    { reads: 1 },
  ]) {
    expect(() => pricesOf(wrong as Partial<Prices>)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  }
});
