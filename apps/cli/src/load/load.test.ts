import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { expect, test } from 'vitest';
import { placesOf } from './load.js';

function draw(pattern: 'random' | 'sequential' | 'zipf', blocks: number, count: number): number[] {
  const next = placesOf({ pattern, blocks }, xoroshiro128plus(1));
  return Array.from({ length: count }, next);
}

test('sequential goes round', () => {
  expect(draw('sequential', 3, 7)).toEqual([0, 1, 2, 0, 1, 2, 0]);
});

test.each(['random', 'zipf'] as const)('%s stays inside, and reaches every block', (pattern) => {
  for (const blocks of [1, 2, 7, 64]) {
    const drawn = new Set(draw(pattern, blocks, 20_000));
    expect([...drawn].every((block) => Number.isInteger(block) && block >= 0 && block < blocks)).toBe(true);
    expect(drawn.size).toBe(blocks);
  }
});

test('zipf has favourites, and they are not neighbours', () => {
  const counts = new Map<number, number>();
  for (const block of draw('zipf', 10_000, 50_000)) counts.set(block, (counts.get(block) ?? 0) + 1);
  const favourites = [...counts].sort(([, a], [, b]) => b - a).slice(0, 10);
  const share = favourites.reduce((sum, [, count]) => sum + count, 0) / 50_000;
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.4);
  const places = favourites.map(([block]) => block).sort((a, b) => a - b);
  expect(places.every((place, i) => i === 0 || place - (places[i - 1] ?? 0) > 16)).toBe(true);
});

test('a device of any size can be drawn from', () => {
  for (const block of draw('zipf', 2 ** 41, 100)) expect(Number.isSafeInteger(block) && block < 2 ** 41).toBe(true);
});
