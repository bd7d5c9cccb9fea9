import { createDevice } from '@blockyard/block';
import { settled } from '@blockyard/block/testing';
import { connectCache } from '@blockyard/cache';
import { startTestStore } from '@blockyard/local-s3';
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { runHere } from '../testing/cli.js';
import { Explaining } from './explaining.js';
import { PARTS, type Part, partsOf } from './parts.js';
import { type Explained, KEPT_PER_MINUTE, Slowest } from './slowest.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  vi.unstubAllEnvs();
});

const sumOf = (parts: Readonly<Record<Part, number>>) => PARTS.reduce((sum, part) => sum + parts[part], 0);

test('whatever went on at once, the parts add up to the whole', () => {
  const span = fc.record({ part: fc.constantFrom(...PARTS), fromMs: fc.integer({ max: 200 }), lengthMs: fc.nat(100) });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), fc.nat(100), fc.array(span), (fromMs, lengthMs, given) => {
      const spans = given.map(({ lengthMs: length, ...each }) => ({ ...each, toMs: each.fromMs + length }));
      const parts = partsOf(fromMs, fromMs + lengthMs, spans);
      expect(sumOf(parts)).toBe(lengthMs);
      for (const part of PARTS) expect(parts[part]).toBeGreaterThanOrEqual(0);
    }),
    { seed: 15 },
  );
});

test('a moment counts for what the rest waits for', () => {
  const parts = partsOf(0, 100, [
    { part: 'base', fromMs: 10, toMs: 90 },
    { part: 'firstByte', fromMs: 20, toMs: 60 },
    { part: 'transfer', fromMs: 60, toMs: 70 },
    { part: 'check', fromMs: 70, toMs: 90 },
  ]);
  expect(parts).toEqual({
    queue: 10,
    base: 10,
    firstByte: 40,
    transfer: 10,
    check: 20,
    rest: 10,
    singleFlight: 0,
    storeQueue: 0,
  });
});

/** A device that answers a read when it is told to. */
function heldDevice() {
  const held: (() => void)[] = [];
  const device = createDevice({
    name: 'held',
    sectorSize: 4096,
    sizeSectors: 256,
    atomicSectors: true,
    read: () => new Promise<void>((resolve) => held.push(resolve)),
    write: () => {},
    flush: () => {},
    resize: () => {},
    disconnect: () => {},
  });
  return { device, held };
}

test('a request for what another has asked for waits for that one; a hit waits for nothing', async () => {
  const { device, held } = heldDevice();
  let nowMs = 0;
  const explaining = await Explaining.begin(() => nowMs);
  ends.push(() => explaining.end());
  const cached = await connectCache(explaining.below(device), { maxSizeBytes: 2 ** 20, readAhead: false });
  const top = explaining.top(cached, { hasBase: true });
  ends.push(() => top.disconnect({ force: true }));
  expect(top.snapshot().lookups).toBe(0);
  const first = top.read(0, [new Uint8Array(4096)]);
  await settled();
  nowMs = 20;
  const second = top.read(0, [new Uint8Array(4096)]);
  await settled();
  nowMs = 50;
  for (const answer of held) answer();
  await Promise.all([first, second]);
  await top.read(0, [new Uint8Array(4096)]);
  const [owner, waiter, hit] = explaining.slowest.list(nowMs);
  expect(owner).toMatchObject({ durationMs: 50, parts: { base: 50, singleFlight: 0 } });
  expect(waiter).toMatchObject({ durationMs: 30, parts: { base: 0, singleFlight: 30 } });
  expect(hit?.durationMs).toBe(0);
  explaining.end();
  await top.read(0, [new Uint8Array(4096)]);
  expect(explaining.slowest.list(nowMs)).toHaveLength(3);
});

test('bench over a store tells the parts of its slowest requests, and which of them the time went to', async () => {
  const store = await startTestStore();
  ends.push(() => store.stop());
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  const uri = `s3://${store.bucket}/explained?endpoint=${encodeURIComponent(store.endpoint)}&region=auto&layout=log`;
  expect(await runHere(['create', uri, '--size', '4M'])).toMatchObject({ code: 0 });
  expect(await runHere(['write', uri, '/dev/urandom', '--length', '4M'])).toMatchObject({ code: 0 });
  const bench = ['bench', uri, '--seconds', '0.3', '--cache', '1M', '--explain'];
  const { explained } = JSON.parse((await runHere([...bench, '--json'])).stdout) as { readonly explained: Explained[] };
  expect(explained.length).toBeGreaterThan(4);
  for (const { parts, durationMs, operation, sectors } of explained) {
    expect(sumOf(parts)).toBeCloseTo(durationMs, 6);
    expect([operation, sectors]).toEqual(['read', 1]);
  }
  const asked = explained.filter(({ parts }) => parts.firstByte > 0 || parts.singleFlight > 0);
  expect(asked.length).toBeGreaterThan(explained.length / 2);
  expect((await runHere(bench)).stdout).toMatch(/slowest requests spent their time:\n *\d+\.\d % +[a-z]/);
  const plain = await runHere(['bench', 'memory:?size=1M', '--seconds', '0.01', '--explain', '--json']);
  for (const { parts, durationMs } of JSON.parse(plain.stdout).explained as Explained[])
    expect(parts.base).toBe(durationMs);
});

test('the slowest of each minute are kept, for ten minutes', () => {
  const slowest = new Slowest(0);
  const add = (fromMs: number, durationMs: number) =>
    slowest.add({ operation: 'read', startSector: 0, sectors: 1, fromMs, toMs: fromMs + durationMs, spans: [] });
  for (let at = 0; at < 1000; at++) add(at, (at * 7919) % 1000);
  add(60_000, 5);
  const durations = slowest.list(60_010).map(({ durationMs }) => durationMs);
  expect(durations).toEqual([...Array.from({ length: KEPT_PER_MINUTE }, (_, at) => 999 - at), 5]);
  expect(slowest.list(600_001).map(({ at, durationMs }) => [at, durationMs])).toEqual([
    ['1970-01-01T00:01:00.000Z', 5],
  ]);
  expect(slowest.list(660_001)).toEqual([]);
});
