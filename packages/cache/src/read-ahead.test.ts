import { expect, test } from 'vitest';
import { ReadAhead } from './read-ahead.js';

const LINE = 128;

test('a read that goes on where one ended is read ahead of, in a window that doubles up to its limit', () => {
  const ahead = new ReadAhead(LINE, 32);
  const windows: number[] = [];
  let aheadTo = 0;
  for (let line = 0; line < 200; line++) {
    const lines = ahead.observe(line * LINE, LINE);
    if (lines === 0) continue;
    expect(ahead.first).toBe(Math.max(aheadTo, line + 1));
    aheadTo = ahead.first + lines;
    windows.push(aheadTo - (line + 1));
  }
  expect(windows.slice(0, 4)).toEqual([4, 8, 16, 32]);
  expect(Math.max(...windows)).toBe(32);
  expect(aheadTo).toBeGreaterThan(200);
});

test('random reads are never read ahead of', () => {
  const ahead = new ReadAhead(LINE, 32);
  for (let i = 0; i < 10_000; i++) expect(ahead.observe(((i * 7919) % 1009) * 1000 * LINE + 17, 8)).toBe(0);
});

test('thirty streams at once are each read ahead of, and nothing is asked for twice', () => {
  const ahead = new ReadAhead(LINE, 16);
  const asked = new Set<number>();
  for (let step = 0; step < 100; step++) {
    for (let stream = 0; stream < 30; stream++) {
      const base = stream * 1_000_000;
      const lines = ahead.observe(base * LINE + step * LINE, LINE);
      for (let i = 0; i < lines; i++) {
        expect(asked.has(ahead.first + i)).toBe(false);
        asked.add(ahead.first + i);
      }
    }
  }
  for (let stream = 0; stream < 30; stream++) {
    for (let line = 2; line < 100; line++) expect(asked.has(stream * 1_000_000 + line)).toBe(true);
  }
});

test('a reader whose requests arrive slightly out of order stays one stream', () => {
  const ahead = new ReadAhead(LINE, 16);
  let lines = 0;
  for (let i = 0; i < 256; i += 2) {
    lines += ahead.observe((i + 1) * 32, 32);
    lines += ahead.observe(i * 32, 32);
  }
  expect(lines).toBeGreaterThanOrEqual(64);
});

test('lines that leave unused make the window small, used ones let it grow again', () => {
  const ahead = new ReadAhead(LINE, 64);
  for (let i = 0; i < 20; i++) ahead.unused();
  expect(ahead.windowLines).toBe(4);
  for (let i = 0; i < 100; i++) ahead.used();
  expect(ahead.windowLines).toBe(64);
});

test('positions beyond 32 bits are followed', () => {
  const ahead = new ReadAhead(LINE, 16);
  const far = 2 ** 43;
  expect(ahead.observe(far, LINE)).toBe(0);
  expect(ahead.observe(far + LINE, LINE)).toBe(4);
  expect(ahead.first).toBe(far / LINE + 2);
});
