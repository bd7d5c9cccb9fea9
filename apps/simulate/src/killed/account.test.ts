import { ZEROES } from '@blockyard/conformance/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { Account } from './account.js';
import { Chronicle } from './chronicle.js';
import { SHAPE, writesOf } from './reign.js';

describe('what killed processes have told', () => {
  let account: Account;
  beforeEach(() => {
    account = new Account(3);
    const told = ['0 write 0 1 1', '0 done', '1 flush', '1 done', '2 write 1 1 2', '2 done', '3 write 2 1 3', '3 done'];
    for (const line of [...told, '4 write 0 1 4']) account.enter(line);
  });

  test('what was flushed must be there', () => {
    expect(account.violation([1, ZEROES, ZEROES], false)).toBeUndefined();
    expect(account.violation([ZEROES, 2, 3], false)).toMatch(/sector 0 has stamp 0/);
    expect(account.violation([ZEROES, 2, 3], true)).toMatch(/sector 0/);
    expect(account.violation([1, -1, 3], true)).toMatch(/sector 1/);
  });

  test('a later write without an earlier one is a prefix of nothing', () => {
    expect(account.violation([4, 2, 3], true)).toBeUndefined();
    expect(account.violation([1, 2, ZEROES], true)).toBeUndefined();
    expect(account.violation([1, ZEROES, 3], true)).toMatch(/sector 1/);
    expect(account.violation([4, 2, ZEROES], true)).toMatch(/sector 2/);
    expect(account.violation([4, ZEROES, 3], false)).toBeUndefined();
  });

  test('what was found is what there is from then on', () => {
    account.goOnFrom([1, 2, ZEROES]);
    expect(account.undecided()).toBe(0);
    expect(account.violation([1, ZEROES, ZEROES], true)).toMatch(/sector 1/);
    expect(account.nextStamp).toBe(5);
  });
});

describe('what fighting processes have told', () => {
  let chronicle: Chronicle;
  const zeroes = new Array<number>(SHAPE.sizeSectors).fill(0);
  const after = (found: readonly number[], reign: number, writes: number) => {
    const state = [...found];
    for (const { sector, stamp } of [...writesOf(reign)].slice(0, writes)) state[sector] = stamp;
    return state;
  };
  beforeEach(() => {
    chronicle = new Chronicle();
    for (const line of [`1 found ${zeroes.join(' ')}`, '1 flushed 5', '1 ended FENCED']) chronicle.enter(line);
  });

  test('each reign goes on from a prefix of the one before, no shorter than it flushed', () => {
    const first = after(zeroes, 1, 7);
    chronicle.enter(`2 found ${first.join(' ')}`);
    chronicle.enter('2 flushed 10');
    chronicle.check(after(first, 2, 10));
    expect(chronicle.fruitful).toBe(0);
    expect(chronicle.nextReign).toBe(3);
  });

  test.each<[string, number[], number, RegExp]>([
    ['less than was flushed is left of', after(zeroes, 1, 4), 10, /reign 1 flushed 5 writes; 4 are left/],
    ['nothing is left of', zeroes, 10, /nothing is left of reign 1/],
    ['the next one has lost a flush of', after(zeroes, 1, 7), 9, /reign 2 flushed 10 writes; 9 are left/],
  ])('%s a reign', (_, found, writes, message) => {
    chronicle.enter(`2 found ${found.join(' ')}`);
    chronicle.enter('2 flushed 10');
    expect(() => chronicle.check(after(found, 2, writes))).toThrow(message);
  });

  test('a write is missing in the middle', () => {
    const found = after(zeroes, 1, 7);
    const last = Math.max(...found);
    const missing = found.indexOf(Math.max(...found.filter((stamp) => stamp < last)));
    found[missing] = 0;
    expect(() => chronicle.check(found)).toThrow(new RegExp(`sector ${missing} has stamp 0`));
  });

  test('a write of a fenced reign that comes late is seen', () => {
    const first = after(zeroes, 1, 5);
    chronicle.enter(`2 found ${first.join(' ')}`);
    chronicle.enter('2 flushed 3');
    const late = [...writesOf(1)][5];
    const end = after(first, 2, 3);
    if (late !== undefined) end[late.sector] = late.stamp;
    expect(() => chronicle.check(end)).toThrow(/reign 2|sector/);
  });
});
