import { expect, test } from 'vitest';
import { ETAGS_MAX, KnownObjects } from './known-objects.js';

test('what is known of objects is bounded: the versions learnt first are forgotten first', () => {
  const known = new KnownObjects();
  for (let index = 0; index <= ETAGS_MAX; index++) known.stored(index, `"${index}"`);
  expect(known.etagOf(0)).toBeUndefined();
  expect(known.etagOf(1)).toBe('"1"');
  expect(known.mayExist(0)).toBe(true);
});

test('a doubt ends with certainty, but what may come late may always come', () => {
  const known = new KnownObjects();
  known.doubt(5);
  known.expectLate(5);
  expect([known.mayExist(5), known.isDoubtful(5), known.mayComeLate(5)]).toEqual([true, true, true]);
  known.stored(5, '"x"');
  expect([known.mayExist(5), known.isDoubtful(5), known.mayComeLate(5)]).toEqual([true, false, true]);
});

test('two million neighbouring objects are one run, and their versions are not all kept', () => {
  const known = new KnownObjects();
  for (let index = 0; index < 2_000_000; index++) known.listed(index, '"e"');
  expect([...known.runs(0, 3_000_000)]).toEqual([
    { start: 0, end: 2_000_000, inside: true },
    { start: 2_000_000, end: 3_000_000, inside: false },
  ]);
  expect(known.etagOf(ETAGS_MAX - 1)).toBe('"e"');
  expect(known.etagOf(ETAGS_MAX)).toBeUndefined();
});
