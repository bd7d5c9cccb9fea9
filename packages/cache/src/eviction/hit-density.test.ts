import { expect, test } from 'vitest';
import { denserSide } from './hit-density.js';

test('the window is much the denser side from more than 24 times the hits a line on', () => {
  // Main: 1 hit, counted as 2, on 1,000 lines.
  const main = [1, 1000] as const;
  expect(denserSide(49, 1000, ...main)).toBe('window');
  expect(denserSide(48, 1000, ...main)).toBeUndefined();
});

test('main is from more than 16 times on', () => {
  const window = [1, 1000] as const;
  expect(denserSide(...window, 33, 1000)).toBe('main');
  expect(denserSide(...window, 32, 1000)).toBeUndefined();
});

test('hits count for each line of a side, not for the side', () => {
  expect(denserSide(30, 100, 0, 100)).toBe('window');
  expect(denserSide(30, 200, 0, 100)).toBeUndefined();
});

test('fewer than eight hits say nothing', () => {
  expect(denserSide(8, 10, 0, 1000)).toBe('window');
  expect(denserSide(7, 10, 0, 1000)).toBeUndefined();
  expect(denserSide(0, 1000, 7, 10)).toBeUndefined();
});

test('sides without lines are sides without hits', () => {
  expect(denserSide(0, 0, 0, 0)).toBeUndefined();
  expect(denserSide(30, 1, 0, 0)).toBe('window');
});
