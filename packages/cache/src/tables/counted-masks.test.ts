import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CountedMasks } from './counted-masks.js';
import type { Entry } from './numbers.js';

const SECTORS = 40;

test('the total is that of all lines, whatever is set and cleared', () => {
  const range = fc.tuple(fc.nat(SECTORS), fc.nat(SECTORS)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const change = fc.record({ entry: fc.nat(2), what: fc.constantFrom('set', 'clear', 'clearAll', 'grow'), range });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const masks = new CountedMasks(3, SECTORS);
      for (const {
        entry,
        what,
        range: [from, to],
      } of changes) {
        if (what === 'grow') masks.grow(6);
        else if (what === 'clearAll') masks.clearAll(entry as Entry);
        else masks[what](entry as Entry, from, to);
        const each = [0, 1, 2].map((line) => masks.count(line as Entry, 0, SECTORS));
        expect(masks.total).toBe(each.reduce((sum, count) => sum + count, 0));
      }
    }),
    { seed: 15 },
  );
});
