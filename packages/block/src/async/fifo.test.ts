import { expect, test } from 'vitest';
import { Fifo } from './fifo.js';

test('gives items in the order in which they came, whatever comes meanwhile', () => {
  const fifo = new Fifo<number>();
  const taken: (number | undefined)[] = [];
  let pushed = 0;
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < 3; i++) fifo.push(pushed++);
    for (let i = 0; i < 2; i++) taken.push(fifo.shift());
  }
  taken.push(...fifo.takeAll());
  expect(taken).toEqual(Array.from({ length: pushed }, (_, i) => i));
  expect(fifo.shift()).toBeUndefined();
  fifo.push(7);
  expect([fifo.shift(), fifo.shift()]).toEqual([7, undefined]);
});

test('takes all that were not taken, once', () => {
  const fifo = new Fifo<number>();
  for (let i = 0; i < 5; i++) fifo.push(i);
  fifo.shift();
  expect(fifo.takeAll()).toEqual([1, 2, 3, 4]);
  expect(fifo.takeAll()).toEqual([]);
});
