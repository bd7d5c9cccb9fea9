import { ManualClock } from '@blockyard/block/testing';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, test } from 'vitest';
import type { VerifiedDevice } from '../model/verified-device.js';
import { WORKLOADS } from './all.js';
import { Crew, type WorkloadCounts } from './crew.js';
import { WorkloadRunner } from './runner.js';
import type { Step, Workload } from './workload.js';

const SECTORS = 2048;
type Device = Pick<VerifiedDevice, 'read' | 'write' | 'flush'>;

const quick: Device = { read: async () => true, write: async () => true, flush: async () => {} };
const asDevice = (device: Device) => device as VerifiedDevice;
const counts = (): WorkloadCounts => ({ reads: 0, writes: 0, flushes: 0, failed: 0, inFlight: 0 });
const named = (name: string) => WORKLOADS.find((each) => each.name === name) as Workload;

/** Lets a workload do its work for so long. */
async function run(workload: Workload, device: Device, ratePerSecond: number, ms: number, clock = new ManualClock()) {
  const counted = counts();
  const failures: unknown[] = [];
  const crew = new Crew(workload, {
    device: asDevice(device),
    sizeSectors: SECTORS,
    clock,
    seed: 1,
    counts: counted,
    ratePerSecond: () => ratePerSecond,
    onFailure: (error) => failures.push(error),
  });
  for (let at = 0; at < ms; at += 10) await clock.advanceAndSettle(10);
  crew.end();
  await crew.ended;
  return { counted, failures };
}

describe('Every workload', () => {
  test.each(WORKLOADS.map(({ name }) => name))('%s keeps to whole sectors of the volume', (name) => {
    for (const { steps } of named(name).streams) {
      const stream = steps(SECTORS, xoroshiro128plus(3));
      for (let step = 0; step < 3000; step++) {
        const next: Step = stream.next().value;
        if (next.do === 'flush' || next.do === 'rest') continue;
        const { start, count } = next;
        const isRight = Number.isInteger(start) && start >= 0 && count > 0 && start + count <= SECTORS;
        if (!isRight) expect.unreachable(`it goes to ${count} sectors from ${start} on`);
      }
    }
  });
});

describe('A workload', () => {
  test('of popular places reads and writes seven to three, at the rate, and flushes', async () => {
    const { counted } = await run(named('zipf'), quick, 100, 10_000);
    expect(counted.reads).toBeGreaterThan(650);
    expect(counted.reads).toBeLessThan(750);
    expect(counted.writes).toBeGreaterThan(250);
    expect(counted.writes).toBeLessThan(350);
    expect(counted).toMatchObject({ flushes: 2, failed: 0, inFlight: 0 });
  });

  test('that does nothing does nothing', async () => {
    expect((await run(named('idle'), quick, 100, 5000)).counted).toEqual(counts());
  });

  test('of bursts rests between them', async () => {
    const clock = new ManualClock();
    const startedMs: number[] = [];
    const device = { ...quick, write: async () => startedMs.push(clock.now()) > 0 };
    await run(named('burst'), device, 500, 10_000, clock);
    const pausesMs = startedMs.slice(1).map((at, index) => at - (startedMs[index] ?? 0));
    expect(Math.max(...pausesMs)).toBeGreaterThanOrEqual(1900);
    expect(pausesMs.filter((each) => each > 500).length).toBeGreaterThan(2);
  });

  test('rests after a failure, and goes on', async () => {
    const failing = { ...quick, read: () => Promise.reject(new Error('away')) };
    const { counted, failures } = await run(named('scan'), failing, 1000, 2000);
    // Four workers, each of which tries twice a second.
    expect(counted.failed).toBeGreaterThanOrEqual(12);
    expect(counted.failed).toBeLessThanOrEqual(20);
    expect(failures).toHaveLength(counted.failed);
  });
});

describe('The runner', () => {
  const open = (device: Device) => {
    const clock = new ManualClock();
    const runner = new WorkloadRunner(named('scan'), 100, {
      sizeSectors: SECTORS,
      clock,
      seed: 1,
      onFailure: () => {},
    });
    runner.resume(asDevice(device));
    return { clock, runner };
  };

  test('pauses when all that was begun has ended, and begins nothing until it is resumed', async () => {
    const waiting: (() => void)[] = [];
    const held = { ...quick, read: () => new Promise<boolean>((resolve) => waiting.push(() => resolve(true))) };
    const { clock, runner } = open(held);
    await clock.advanceAndSettle(1000);
    expect(runner.counts.inFlight).toBe(4);
    let isPaused = false;
    const paused = runner.pause().then(() => {
      isPaused = true;
    });
    await clock.advanceAndSettle(1000);
    expect(isPaused).toBe(false);
    for (const release of waiting) release();
    await paused;
    expect(runner.counts).toMatchObject({ reads: 4, inFlight: 0 });
    await clock.advanceAndSettle(1000);
    expect(runner.counts.reads).toBe(4);
    runner.resume(asDevice(quick));
    await clock.advanceAndSettle(1000);
    expect(runner.counts.reads).toBeGreaterThan(20);
    await runner.pause();
  });

  test('changes the workload though the one before waits, but not without end', async () => {
    const held = { ...quick, read: () => new Promise<boolean>(() => {}) };
    const { clock, runner } = open(held);
    for (let change = 0; change < 4; change++) {
      await clock.advanceAndSettle(500);
      expect(runner.canChange).toBe(true);
      runner.change(named('scan'));
    }
    expect(runner.canChange).toBe(false);
    expect(() => runner.change(named('idle'))).toThrow();
    expect(runner.counts.inFlight).toBeLessThanOrEqual(20);
  });

  test('follows a rate that changes', async () => {
    const { clock, runner } = open(quick);
    await clock.advanceAndSettle(2000);
    const before = runner.counts.reads;
    runner.ratePerSecond = 10;
    for (let at = 0; at < 2000; at += 10) await clock.advanceAndSettle(10);
    expect(runner.counts.reads - before).toBeLessThan(40);
    await runner.pause();
  });
});
