import { settled } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { TestTime } from '../testing/test-time.js';
import { Outage } from './outage.js';

const forever = Number.POSITIVE_INFINITY;

function outageOf(time: TestTime, random = () => 0.5) {
  const told: [string, number][] = [];
  const outage = new Outage({
    clock: time,
    random,
    onAway: (forMs) => told.push(['away', forMs]),
    onBack: (forMs) => told.push(['back', forMs]),
  });
  return { outage, told };
}

const error = new Error('refused');
const { signal } = new AbortController();

function goAway(outage: Outage): void {
  for (let failure = 0; failure < 3; failure++) outage.failed('free', error, 0);
}

test('the store is away after three failures with no answer between them', () => {
  const { outage } = outageOf(new TestTime());
  for (let round = 0; round < 4; round++) {
    outage.failed('free', error, 0);
    outage.failed('free', error, 0);
    outage.answered();
  }
  expect(outage.isAway).toBe(false);
  expect(outage.admit(forever, signal)).toBe('free');
  goAway(outage);
  expect(outage.isAway).toBe(true);
});

test('while the store is away one request tries and the others wait, and all go on when it is answered', async () => {
  const time = new TestTime();
  const { outage, told } = outageOf(time);
  goAway(outage);
  const passes: string[] = [];
  const waiting = Array.from({ length: 5 }, async (_, number) => {
    passes.push(`${number} ${await outage.admit(forever, signal)}`);
  });
  await settled();
  expect(passes).toEqual([]);
  await time.pass(100);
  expect(passes).toEqual(['0 trial']);
  await time.pass(2000);
  outage.failed('trial', error, 0);
  await time.pass(200);
  // Another one, so that a request that always fails does not stand in the way.
  expect(passes).toEqual(['0 trial', '1 trial']);
  outage.answered();
  await Promise.all(waiting);
  expect(passes.slice(2)).toEqual(['2 free', '3 free', '4 free']);
  expect(outage.isAway).toBe(false);
  expect(told).toEqual([
    ['away', 2100],
    ['back', 2300],
  ]);
});

test('trials come ever later, up to some seconds, and not before the store wants them', async () => {
  const time = new TestTime();
  const { outage } = outageOf(time, () => 0.999_999);
  goAway(outage);
  const delays: number[] = [];
  for (let trial = 0; trial < 9; trial++) {
    const startMs = time.now();
    expect(await time.until(Promise.resolve(outage.admit(forever, signal)))).toBe('trial');
    delays.push(Math.round(time.now() - startMs));
    outage.failed('trial', error, trial === 7 ? 20_000 : 0);
  }
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 20_000]);
});

test('waits are spread from nothing to their bound', async () => {
  const time = new TestTime();
  const { outage } = outageOf(time, () => 0);
  goAway(outage);
  expect(await time.until(Promise.resolve(outage.admit(forever, signal)))).toBe('trial');
  expect(time.now()).toBe(0);
});

test('a trial that says nothing does not keep the next one waiting for as long as it lasts', async () => {
  const time = new TestTime();
  const { outage } = outageOf(time);
  goAway(outage);
  const first = outage.admit(forever, signal);
  const second = outage.admit(forever, signal);
  expect(await time.until(Promise.all([first, second]))).toEqual(['trial', 'trial']);
  expect(time.now()).toBe(50 + 5000);
});

test('a trial that ends without telling anything makes room for the next', async () => {
  const time = new TestTime();
  const { outage } = outageOf(time);
  goAway(outage);
  await time.until(Promise.resolve(outage.admit(forever, signal)));
  const next = outage.admit(forever, signal);
  outage.gaveUp('trial');
  expect(await next).toBe('trial');
});

test('requests that were under way when the store went away do not put the next trial off', async () => {
  const time = new TestTime();
  const { outage } = outageOf(time);
  goAway(outage);
  for (let request = 0; request < 60; request++) outage.failed('free', error, 0);
  await time.until(Promise.resolve(outage.admit(forever, signal)));
  expect(time.now()).toBe(50);
});

test('waiting ends at its time, and with its signal', async () => {
  const time = new TestTime();
  const { outage } = outageOf(time);
  goAway(outage);
  const trial = outage.admit(forever, signal);
  const late = outage.admit(3000, signal);
  const controller = new AbortController();
  const aborted = outage.admit(forever, controller.signal);
  controller.abort();
  expect(await aborted).toBeUndefined();
  expect(await time.until(Promise.all([trial, late]))).toEqual(['trial', undefined]);
  expect(time.now()).toBe(3000);
});

test('an absence of less than a second is not told', async () => {
  const time = new TestTime();
  const { outage, told } = outageOf(time);
  goAway(outage);
  await time.pass(900);
  outage.answered();
  expect(told).toEqual([]);
});

test('while the store is away it is told since when, and when the next trial may go', async () => {
  const time = new TestTime();
  const { outage } = outageOf(time);
  outage.failed('free', error, 0);
  expect([outage.times, outage.waiting]).toEqual([undefined, 0]);
  await time.pass(40);
  outage.failed('free', error, 0);
  outage.failed('free', error, 300);
  expect(outage.times).toEqual({ awayMs: 40, nextTryMs: 300 });
  const waiting = outage.admit(forever, signal);
  await time.pass(100);
  expect([outage.times, outage.waiting]).toEqual([{ awayMs: 140, nextTryMs: 200 }, 1]);
  await time.pass(200);
  expect(await waiting).toBe('trial');
  // A trial that says nothing keeps the next one waiting for a while.
  expect([outage.times, outage.waiting]).toEqual([{ awayMs: 340, nextTryMs: 5000 }, 0]);
  await time.pass(6000);
  expect(outage.times).toEqual({ awayMs: 6340, nextTryMs: 0 });
  outage.answered();
  expect(outage.times).toBeUndefined();
});
