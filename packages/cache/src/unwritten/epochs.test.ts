import { expect, test } from 'vitest';
import { Epochs } from './epochs.js';

test('the oldest epoch is that of which something is left', () => {
  const epochs = new Epochs();
  expect(epochs.oldest).toBe(Number.POSITIVE_INFINITY);
  expect(epochs.enter()).toBe(0);
  expect(epochs.enter()).toBe(0);
  expect(epochs.close()).toBe(0);
  expect(epochs.enter()).toBe(1);
  expect(epochs.oldest).toBe(0);
  epochs.leave(0);
  expect(epochs.oldest).toBe(0);
  epochs.leave(0);
  expect(epochs.oldest).toBe(1);
  epochs.leave(1);
  expect(epochs.oldest).toBe(Number.POSITIVE_INFINITY);
});

test('what takes the place of older data counts in their epoch', () => {
  const epochs = new Epochs();
  epochs.enter();
  epochs.close();
  epochs.enterAgain(0);
  epochs.leave(0);
  expect(epochs.oldest).toBe(0);
  epochs.leave(0);
  expect(epochs.oldest).toBe(Number.POSITIVE_INFINITY);
  expect(() => epochs.enterAgain(0)).toThrow('epoch 0 must hold something');
});

test('one leave too many is told', () => {
  const epochs = new Epochs();
  epochs.enter();
  epochs.leave(0);
  expect(() => epochs.leave(0)).toThrow('epoch 0 must hold');
});
