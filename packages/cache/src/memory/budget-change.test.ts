import type { Loan } from '@blockyard/block';
import { ManualClock, settled } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import type { CacheDevice } from '../connect.js';
import { bytesAt, filled, fillsOf, openCache } from '../testing/fixture.js';
import { BudgetChange } from './budget-change.js';

const MIB = 2 ** 20;
const LINE_SECTORS = 8;
const LINES = 2048;
const opened = (options: object = {}) =>
  openCache(LINES * LINE_SECTORS, { maxSizeBytes: 4 * MIB, lineSize: 4096, ...options }, 4096);

const byteOf = (line: number) => 1 + (line % 250);
const write = (cache: CacheDevice, line: number) =>
  cache.write(line * LINE_SECTORS, [filled(LINE_SECTORS, byteOf(line))]);

/** As much as is lent, from one line on, with the line of each. */
function borrow(cache: CacheDevice, from: number): Map<number, Loan> {
  const loans = new Map<number, Loan>();
  for (let line = from; line < LINES; line++) {
    const loan = cache.lend?.(line * LINE_SECTORS, LINE_SECTORS);
    if (loan !== undefined) loans.set(line, loan);
  }
  return loans;
}

function expectLent(loans: ReadonlyMap<number, Loan>): void {
  for (const [line, { views }] of loans) expect(views.flatMap(fillsOf)).toEqual(Array(LINE_SECTORS).fill(byteOf(line)));
}

test.each([
  ['clean lines, spread over all of memory', true, 7],
  ['dirty lines', false, 1],
])('a smaller budget is not delayed by loans of %s, and nothing else is [B4, C2]', async (_of, flushes, step) => {
  const { cache, memory } = await opened();
  const { linesMax, heldBytes } = cache.snapshot();
  const filledLines = Math.floor(linesMax * (flushes ? 0.9 : 0.45));
  for (let line = 0; line < filledLines; line++) await write(cache, line);
  if (flushes) await cache.flush();
  const all = borrow(cache, 0);
  for (const [line, loan] of all) {
    if (line % step === 0) continue;
    loan.release();
    all.delete(line);
  }
  const loans = new Map([...all, ...borrow(cache, filledLines - 20)]);
  expect(loans.size).toBeGreaterThan(linesMax / 10 / step);
  await cache.setMaxSizeBytes(heldBytes + 300_000);
  // Small by now: a change that had to wait for a borrower would wait for ever.
  expect(cache.snapshot().linesMax).toBeLessThan(80);
  for (let line = 0; line < LINES; line += 3) await write(cache, line);
  await cache.write(0, [filled(LINES * 4, 9)]);
  const half = new Uint8Array((LINES * 4096) / 2);
  await cache.read(0, [half]);
  expect(half.every((byte) => byte === 9)).toBe(true);
  await cache.resize(LINES * LINE_SECTORS + 8);
  await cache.flush();
  expect(memory.bytes[0]).toBe(9);
  expectLent(loans);
  expect(cache.snapshot().linesLent).toBe(loans.size);
  for (const loan of loans.values()) loan.release();
  expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(heldBytes + 300_000);
  await cache.disconnect();
});

test('memory that is lent past a smaller budget counts until it is released, and goes slab by slab', async () => {
  const { cache } = await opened();
  const { heldBytes } = cache.snapshot();
  for (let line = 0; line < 900; line++) await bytesAt(cache, line * LINE_SECTORS, 8);
  const full = cache.snapshot().heldBytes;
  const loans = borrow(cache, 0);
  const budget = heldBytes + 400_000;
  await cache.setMaxSizeBytes(budget);
  let held = cache.snapshot().heldBytes;
  expect(held).toBeGreaterThan(budget);
  expect(held).toBeLessThan(full);
  for (const loan of loans.values()) {
    loan.release();
    expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(held);
    held = cache.snapshot().heldBytes;
  }
  expect(held).toBeLessThanOrEqual(budget);
  await cache.setMaxSizeBytes(4 * MIB);
  for (let line = 0; line < 900; line++) await bytesAt(cache, line * LINE_SECTORS, 8);
  expect(cache.snapshot().heldBytes).toBe(full);
});

test('a budget that is raised again while loans are out takes their memory back into use', async () => {
  const { cache } = await opened();
  for (let line = 0; line < 900; line++) await write(cache, line);
  await cache.flush();
  const loans = borrow(cache, 300);
  for (const maxSizeBytes of [2 * MIB, 3 * MIB, MIB, 4 * MIB, 2 * MIB, 4 * MIB]) {
    await cache.setMaxSizeBytes(maxSizeBytes);
    for (let line = 0; line < LINES; line += 2) await write(cache, line);
    expectLent(loans);
  }
  for (const loan of loans.values()) loan.release();
  expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(4 * MIB);
  await cache.flush();
  for (let line = 0; line < LINES; line += 6) {
    expect(await bytesAt(cache, line * LINE_SECTORS, 8)).toEqual(Array(8).fill(byteOf(line)));
  }
});

test("a smaller budget that waits for the base is in no one's way", async () => {
  const { cache, base } = await opened();
  const dirty = Math.floor(cache.snapshot().linesMax * 0.2);
  for (let line = 0; line < dirty; line++) await write(cache, line);
  base.hold('write');
  // Two at once, of which the later one counts.
  const budgets = [cache.setMaxSizeBytes(3 * MIB), cache.setMaxSizeBytes(2 * MIB)];
  let isOver = false;
  const changed = Promise.all(budgets).then(() => {
    isOver = true;
  });
  const flushed = cache.flush();
  await base.called('write');
  await write(cache, dirty);
  await write(cache, 1500);
  expect(await bytesAt(cache, 1900 * 8, 8)).toEqual(Array(8).fill(0));
  expect(cache.snapshot().waitingRequests).toBe(0);
  base.release();
  await Promise.all([flushed, changed]);
  expect(isOver).toBe(true);
  expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(2 * MIB);
});

test('where the base fails to take what has to leave, the caller is told, and it leaves when the base has recovered', async () => {
  const clock = new ManualClock({ strict: true });
  const { cache, base } = await opened({ clock, minRetryDelayMs: 10 });
  const dirty = Math.floor(cache.snapshot().linesMax * 0.49);
  base.fail('write', 'UNAVAILABLE');
  for (let line = 0; line < dirty; line++) await write(cache, line);
  await settled();
  const changed = cache.setMaxSizeBytes(1.5 * MIB);
  clock.advance(10);
  await expect(changed).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(cache.snapshot().heldBytes).toBeGreaterThan(1.5 * MIB);
  base.heal();
  clock.advance(20);
  for (let i = 0; i < 20; i++) await settled();
  expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(1.5 * MIB);
  await cache.disconnect();
  expect(clock.dueMs).toEqual([]);
});

test('a change is under way until nothing lies past the limits, and those who asked are told then', async () => {
  let isSettled = false;
  const change = new BudgetChange({ settle: () => isSettled } as never);
  const told: string[] = [];
  change.begin().then(
    () => told.push('first'),
    (error) => told.push(`first: ${error}`),
  );
  change.fail('cannot, for now');
  void change.begin().then(() => told.push('second'));
  await settled();
  expect([change.isUnderWay, told]).toEqual([true, ['first: cannot, for now']]);
  isSettled = true;
  change.progress();
  await settled();
  expect([change.isUnderWay, told]).toEqual([false, ['first: cannot, for now', 'second']]);
});
