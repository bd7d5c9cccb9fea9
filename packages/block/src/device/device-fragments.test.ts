import { expect, test } from 'vitest';
import type { BlockDriver, Fragment } from '../index.js';
import { createDevice } from '../index.js';

type Options = { [K in keyof BlockDriver]?: BlockDriver[K] | undefined };

function open(driver: Options = {}) {
  const asked: [number, number][] = [];
  const device = createDevice({
    name: 'in parts',
    sectorSize: 512,
    sizeSectors: 8,
    read() {},
    write() {},
    flush() {},
    resize() {},
    disconnect() {},
    fragments(start, count): Fragment[] {
      asked.push([start, count]);
      return [{ start, count, request: 1 }];
    },
    ...driver,
  } as BlockDriver);
  return { device, asked };
}

test('a driver that tells fragments is asked for ranges of the device, and its answer is handed on', () => {
  const { device, asked } = open();
  expect(device.fragments?.(0, 8)).toEqual([{ start: 0, count: 8, request: 1 }]);
  expect(device.fragments?.(7, 1)).toEqual([{ start: 7, count: 1, request: 1 }]);
  expect(asked).toEqual([
    [0, 8],
    [7, 1],
  ]);
});

test.each([
  [0, 9],
  [8, 1],
  [-1, 1],
  [0, -1],
  [0.5, 1],
  [0, 0],
  [Number.NaN, 1],
])('nothing is known of %f+%f, and the driver is not asked', (start, count) => {
  const { device, asked } = open();
  expect(device.fragments?.(start, count)).toBeUndefined();
  expect(asked).toEqual([]);
});

test('a device has fragments if its driver has, and knows none where the driver fails to tell', () => {
  expect(open({ fragments: undefined }).device.fragments).toBeUndefined();
  const failing = open({
    fragments() {
      throw new Error('out of luck');
    },
  });
  expect(failing.device.fragments?.(0, 1)).toBeUndefined();
});

test('nothing is known while the size changes, nor after the end', async () => {
  let finish = () => {};
  const resized = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { device } = open({ resize: () => resized });
  const resizing = device.resize(4);
  await new Promise((resolve) => setImmediate(resolve));
  expect(device.fragments?.(0, 1)).toBeUndefined();
  finish();
  await resizing;
  expect(device.fragments?.(4, 1)).toBeUndefined();
  expect(device.fragments?.(3, 1)).toBeDefined();
  await device.disconnect();
  expect(device.fragments?.(0, 1)).toBeUndefined();
});
