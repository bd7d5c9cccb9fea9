import { expect, test } from 'vitest';
import { denserSide } from './hit-density.js';

test('the window is much the denser side from more than 24 times the hits a line on', () => {
  // Main: 1 hit, counted as 2, on 1,000 lines.
  const main = { hits: 1, lines: 1000 };
  expect(denserSide({ hits: 49, lines: 1000 }, main)).toBe('window');
  expect(denserSide({ hits: 48, lines: 1000 }, main)).toBeUndefined();
});

test('main is from more than 16 times on', () => {
  const window = { hits: 1, lines: 1000 };
  expect(denserSide(window, { hits: 33, lines: 1000 })).toBe('main');
  expect(denserSide(window, { hits: 32, lines: 1000 })).toBeUndefined();
});

test('hits count for each line of a side, not for the side', () => {
  expect(denserSide({ hits: 30, lines: 100 }, { hits: 0, lines: 100 })).toBe('window');
  expect(denserSide({ hits: 30, lines: 200 }, { hits: 0, lines: 100 })).toBeUndefined();
});

test('fewer than eight hits say nothing', () => {
  expect(denserSide({ hits: 8, lines: 10 }, { hits: 0, lines: 1000 })).toBe('window');
  expect(denserSide({ hits: 7, lines: 10 }, { hits: 0, lines: 1000 })).toBeUndefined();
  expect(denserSide({ hits: 0, lines: 1000 }, { hits: 7, lines: 10 })).toBeUndefined();
});

test('sides without lines are sides without hits', () => {
  expect(denserSide({ hits: 0, lines: 0 }, { hits: 0, lines: 0 })).toBeUndefined();
  expect(denserSide({ hits: 30, lines: 1 }, { hits: 0, lines: 0 })).toBe('window');
});
