import { settled } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { Fence } from './fence.js';
import { findHolder } from './take-over.js';
import { ALONE, TestVolume } from './testing/roots.js';

const fencedBy = (text: string) =>
  expect.objectContaining({ name: 'BlockError', code: 'FENCED', message: expect.stringContaining(text) });

test('a fence that was raised throws at every check, and tells those who listen once it is known who did it', async () => {
  let tell: (holder: string) => void = () => {};
  const fence = new Fence(() => new Promise((resolve) => (tell = resolve)));
  fence.check();
  expect(fence.isRaised).toBe(false);
  expect(() => fence.raise('an object says so')).toThrow(fencedBy('an object says so'));
  expect(fence.isRaised).toBe(true);
  expect(() => fence.check()).toThrow(fencedBy('another writer has taken the volume over'));
  expect(fence.lost.aborted).toBe(false);
  tell('process 1 on web-2');
  await settled();
  expect(fence.lost.reason).toEqual(fencedBy('process 1 on web-2'));
  expect(() => fence.raise('again')).toThrow(fencedBy('process 1 on web-2'));
});

test('a fence whose holder is not to be found tells without', async () => {
  const fence = new Fence(() => Promise.reject(new Error('no answer')));
  expect(() => fence.raise('the root says so')).toThrow(fencedBy('the root says so'));
  await settled();
  expect(fence.lost.reason).toEqual(fencedBy('the root says so'));
});

test('the holder is looked for, but not for long', async () => {
  const volume = new TestVolume(ALONE);
  await volume.create();
  expect(await findHolder(volume.place, volume.clock)).toBeUndefined();
  await volume.takeOver();
  expect(await findHolder(volume.place, volume.clock)).toContain(`process ${process.pid} on `);
  volume.store.onRequest = () => ({ kind: 'hold', until: new Promise(() => {}) });
  const found = findHolder(volume.place, volume.clock);
  await volume.clock.advanceAndSettle(5000);
  expect(await found).toBeUndefined();
});
