import { describe, expect, test } from 'vitest';
import { extentsOfData } from './index.js';

describe('extentsOfData', () => {
  test.each([
    ['nothing', [], [{ start: 10, count: 5, type: 'zero' }]],
    ['all', [{ start: 10, count: 5 }], [{ start: 10, count: 5, type: 'data' }]],
    [
      'two runs',
      [
        { start: 11, count: 1 },
        { start: 13, count: 2 },
      ],
      [
        { start: 10, count: 1, type: 'zero' },
        { start: 11, count: 1, type: 'data' },
        { start: 12, count: 1, type: 'zero' },
        { start: 13, count: 2, type: 'data' },
      ],
    ],
  ])('of a range in which %s is data covers it exactly', (_, data, extents) => {
    expect(extentsOfData(10, 5, data)).toEqual(extents);
  });

  test('of no sectors is empty', () => {
    expect(extentsOfData(10, 0, [])).toEqual([]);
  });

  test.each([
    ['before the range', [{ start: 9, count: 2 }]],
    ['past its end', [{ start: 14, count: 2 }]],
    ['of no sectors', [{ start: 12, count: 0 }]],
    [
      'that overlap',
      [
        { start: 10, count: 2 },
        { start: 11, count: 1 },
      ],
    ],
  ])('refuses runs %s', (_, data) => {
    expect(() => extentsOfData(10, 5, data)).toThrow('does not lie in');
  });
});
