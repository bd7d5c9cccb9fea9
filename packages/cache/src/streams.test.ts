import type { Loan } from '@blockyard/block';
import { describe, expect, test } from 'vitest';
import { bytesAt, type Fixture, openCache } from './testing/fixture.js';

const LINE_SECTORS = 8;
const HALF = LINE_SECTORS / 2;
/** Lines that are in memory from the beginning. */
const HELD = 48;

/** A cache that reads ahead, with the first lines in memory. */
async function opened(): Promise<Fixture> {
  const fixture = await openCache(256 * LINE_SECTORS, { lineSize: 4096, maxSizeBytes: 2 ** 20, readAhead: true });
  await fixture.cache.prefetch(0, HELD * LINE_SECTORS);
  fixture.reads.length = 0;
  return fixture;
}

/** Reads a part of each of these lines, by one of the ways in which a device is read. */
type Way = (cache: Fixture['cache'], start: number, count: number) => Promise<void>;

const WAYS: readonly (readonly [string, Way])[] = [
  ['reads', async (cache, start, count) => void (await bytesAt(cache, start, count))],
  ['loans', async (cache, start, count) => lent(cache.lend?.(start, count)).release()],
];

function lent(loan: Loan | undefined): Loan {
  if (loan === undefined) throw new Error('it must be lent');
  return loan;
}

describe.each(WAYS)('A reader who finds everything in memory, by %s', (_, read) => {
  test('of parts of lines is read ahead of', async () => {
    const { cache, reads } = await opened();
    for (let start = 0; start < 40 * LINE_SECTORS; start += HALF) await read(cache, start, HALF);
    expect(reads.some(({ start }) => start === HELD * LINE_SECTORS)).toBe(true);
  });

  test('of whole lines is not: they would have been missed before, if it came first', async () => {
    const { cache, reads } = await opened();
    for (let line = 0; line < 40; line++) await read(cache, line * LINE_SECTORS, LINE_SECTORS);
    expect(reads).toEqual([]);
  });

  test('is followed by the beginnings of lines alone', async () => {
    const { cache, reads } = await opened();
    for (let start = 0; start < 4 * LINE_SECTORS; start += HALF) await read(cache, start, HALF);
    for (let line = 4; line < 40; line++) await read(cache, line * LINE_SECTORS, HALF);
    expect(reads.some(({ start }) => start === HELD * LINE_SECTORS)).toBe(true);
  });
});

test('reads that stay within lines, of what is in memory, are no stream', async () => {
  const { cache, reads } = await opened();
  for (let line = 0; line < 40; line++) await bytesAt(cache, line * LINE_SECTORS + 1, LINE_SECTORS - 2);
  expect(reads).toEqual([]);
});
