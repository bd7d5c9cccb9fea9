import type { Loan } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import type { CacheDevice } from '../connect.js';
import { bytesAt, filled, fillsOf, openCache, SECTOR } from '../testing/fixture.js';

const LINE_SECTORS = 8;
const LINES = { lineSize: LINE_SECTORS * SECTOR, maxSizeBytes: 2 ** 20 };

function fills({ views }: Loan): number[] {
  return fillsOf(Buffer.concat(views));
}

function lent(cache: CacheDevice, start: number, count: number): Loan {
  const loan = cache.lend?.(start, count);
  if (loan === undefined) throw new Error('it must be lent');
  return loan;
}

test('what is in memory is lent where it lies, a view for each line, and counts as hits', async () => {
  const { cache } = await openCache(64, LINES);
  await cache.write(0, [filled(20, 5)]);
  const { lookups, hits } = cache.snapshot();
  const loan = lent(cache, 3, 15);
  expect(loan.views.map(({ byteLength }) => byteLength / SECTOR)).toEqual([5, 8, 2]);
  expect(fills(loan)).toEqual(Array(15).fill(5));
  expect(cache.snapshot()).toMatchObject({ linesLent: 3, lookups: lookups + 3, hits: hits + 3 });
  const again = lent(cache, 3, 15);
  expect(again.views.map(({ buffer, byteOffset }) => [buffer, byteOffset])).toEqual(
    loan.views.map(({ buffer, byteOffset }) => [buffer, byteOffset]),
  );
  for (const each of [loan, loan, again]) each.release();
  expect(cache.snapshot().linesLent).toBe(0);
});

test('a range may begin and end in the middle of any line', async () => {
  const { cache } = await openCache(64, LINES);
  for (let sector = 16; sector < 40; sector++) await cache.write(sector, [filled(1, sector)]);
  const loan = lent(cache, 19, 15);
  expect(loan.views.map(({ byteLength }) => byteLength / SECTOR)).toEqual([5, 8, 2]);
  expect(fills(loan)).toEqual(Array.from({ length: 15 }, (_, i) => 19 + i));
  expect(fills(lent(cache, 26, 1))).toEqual([26]);
});

test('a line that is lent twice is lent until both loans are over, and written in place from then on', async () => {
  const { cache } = await openCache(64, LINES);
  await cache.write(0, [filled(8, 5)]);
  const [one, two] = [lent(cache, 0, 8), lent(cache, 0, 8)];
  one.release();
  await cache.write(0, [filled(8, 6)]);
  expect(fills(two)).toEqual(Array(8).fill(5));
  two.release();
  const placeOf = ({ views, release }: Loan) => {
    release();
    return [views[0]?.buffer, views[0]?.byteOffset];
  };
  const place = placeOf(lent(cache, 0, 8));
  await cache.write(0, [filled(8, 7)]);
  expect(placeOf(lent(cache, 0, 8))).toEqual(place);
  expect(await bytesAt(cache, 0, 8)).toEqual(Array(8).fill(7));
});

test('what is absent in part is not lent, nor asked of the base', async () => {
  const { cache, reads } = await openCache(64, LINES);
  await cache.write(0, [filled(12, 5)]);
  expect(cache.lend?.(0, 13)).toBeUndefined();
  expect(cache.lend?.(16, 1)).toBeUndefined();
  expect(cache.snapshot().linesLent).toBe(0);
  expect(reads).toEqual([]);
});

test('a write to what is lent moves the line, and reaches the base', async () => {
  const { cache, memory } = await openCache(64, LINES);
  await cache.write(0, [filled(8, 5)]);
  const loan = lent(cache, 0, 8);
  await cache.write(2, [filled(1, 6)]);
  await cache.write(3, [filled(1, 7)]);
  expect(fills(loan)).toEqual(Array(8).fill(5));
  expect(await bytesAt(cache, 0, 8)).toEqual([5, 5, 6, 7, 5, 5, 5, 5]);
  await cache.flush();
  expect(fillsOf(memory.bytes.subarray(0, 8 * SECTOR))).toEqual([5, 5, 6, 7, 5, 5, 5, 5]);
  loan.release();
  expect(await bytesAt(cache, 0, 8)).toEqual([5, 5, 6, 7, 5, 5, 5, 5]);
});

test.each(['a read', 'prefetch'])(
  '%s fills nothing into memory that is lent, when the line was zeroed',
  async (way) => {
    const { cache, memory, reads } = await openCache(64, LINES);
    memory.bytes.fill(5);
    await bytesAt(cache, 0, 8);
    const loan = lent(cache, 0, 8);
    await cache.writeZeroes(0, 8);
    await cache.flush();
    if (way === 'a read') expect(await bytesAt(cache, 0, 8)).toEqual(Array(8).fill(0));
    else await cache.prefetch(0, 8);
    expect(reads).toHaveLength(way === 'a read' ? 2 : 1);
    expect(fills(loan)).toEqual(Array(8).fill(5));
    loan.release();
    expect(await bytesAt(cache, 0, 8)).toEqual(Array(8).fill(0));
  },
);

test('no more than an eighth of the lines is lent, so that all else goes on as if nothing were', async () => {
  const { cache, memory } = await openCache(8 * 512, LINES);
  const { linesMax } = cache.snapshot();
  const loans: Loan[] = [];
  for (let line = 0; line < linesMax; line++) {
    await cache.write(line * 8, [filled(8, 1 + (line % 250))]);
    const loan = cache.lend?.(line * 8, 8);
    if (loan !== undefined) loans.push(loan);
  }
  expect(loans).toHaveLength(Math.floor(linesMax / 8));
  for (let line = 0; line < 512; line++) await cache.write(line * 8, [filled(8, 251)]);
  await cache.flush();
  expect(memory.bytes.every((byte) => byte === 251)).toBe(true);
  for (const [i, loan] of loans.entries()) expect(fills(loan)).toEqual(Array(8).fill(1 + (i % 250)));
  const { heldBytes } = cache.snapshot();
  expect(heldBytes).toBeLessThanOrEqual(LINES.maxSizeBytes);
  for (const loan of loans) loan.release();
  expect(cache.lend?.(511 * 8, 8)).toBeDefined();
});

test('a slot is lent two hundred times at most, since it counts no further', async () => {
  const { cache } = await openCache(64, { ...LINES, maxSizeBytes: 2 ** 24 });
  await cache.write(0, [filled(8, 5)]);
  const loans = Array.from({ length: 201 }, () => cache.lend?.(0, 8));
  expect(loans.map((loan) => loan !== undefined)).toEqual([...Array(200).fill(true), false]);
  for (const loan of loans) loan?.release();
  await cache.write(0, [filled(8, 6)]);
  expect(fills(lent(cache, 0, 8))).toEqual(Array(8).fill(6));
});

test('what is lent outlives the cache, and is given back without effect', async () => {
  for (const force of [false, true]) {
    const { cache } = await openCache(64, LINES);
    await cache.write(0, [filled(8, 5)]);
    const loan = lent(cache, 0, 8);
    // The line moves on, and the borrower alone has its old memory.
    await cache.write(0, [filled(8, 6)]);
    await cache.disconnect({ force });
    expect(cache.lend?.(0, 8)).toBeUndefined();
    expect(fills(loan)).toEqual(Array(8).fill(5));
    loan.release();
    await macrotasks();
    loan.release();
  }
});

test('the read-ahead sees reads of what is lent, too', async () => {
  const { cache, reads } = await openCache(8 * 256, { ...LINES, readAhead: true });
  await bytesAt(cache, 0, 32);
  await bytesAt(cache, 32, 32);
  const { length } = reads;
  await cache.prefetch(64, 256);
  for (let at = 64; at < 320; at += 32) lent(cache, at, 32).release();
  expect(reads.length).toBeGreaterThan(length + 1);
});
