import { expect, test } from 'vitest';
import { Disk } from '../testing/disk.js';
import { Scene, write } from '../testing/scene.js';

const FRAGMENTS = [
  { start: 0, count: 4, request: 1 },
  { start: 4, count: 2, request: 2 },
  { start: 6, count: 2, request: 1 },
];

test('fragments are those of the base, but that what it does not have yet is at hand', async () => {
  const scene = new Scene(new Disk(64 << 10));
  const base = scene.base.open({ fragments: (start, count) => (start + count === 8 ? FRAGMENTS : undefined) });
  const device = await scene.openOver(base);
  expect(device.fragments?.(0, 8)).toEqual(FRAGMENTS);
  await write(device, 3, 7, 2);
  await device.discard(7, 1);
  expect(device.fragments?.(0, 8)).toEqual([
    { start: 0, count: 3, request: 1 },
    { start: 3, count: 2, request: 0 },
    { start: 5, count: 1, request: 2 },
    { start: 6, count: 1, request: 1 },
    { start: 7, count: 1, request: 0 },
  ]);
  expect(device.fragments?.(0, 9)).toBeUndefined();
  await device.disconnect();
});

test('a write log over a base without fragments has none', async () => {
  const device = await new Scene().open();
  expect(device.fragments).toBeUndefined();
  await device.disconnect();
});
