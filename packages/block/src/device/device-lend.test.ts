import { expect, test } from 'vitest';
import type { BlockDriver, Loan } from '../index.js';
import { createDevice } from '../index.js';

const BYTES = new Uint8Array(512);

type Options = { [K in keyof BlockDriver]?: BlockDriver[K] | undefined };

function open(driver: Options = {}) {
  const asked: [number, number][] = [];
  const device = createDevice({
    name: 'lending',
    sectorSize: 512,
    sizeSectors: 8,
    atomicSectors: true,
    read() {},
    write() {},
    flush() {},
    resize() {},
    disconnect() {},
    lend(start, count): Loan {
      asked.push([start, count]);
      return { views: [BYTES], release() {} };
    },
    ...driver,
  } as BlockDriver);
  return { device, asked };
}

test('a driver that lends is asked for ranges of the device, and its loan is handed on', () => {
  const { device, asked } = open();
  expect(device.lend?.(0, 8)?.views).toEqual([BYTES]);
  expect(device.lend?.(7, 1)?.views).toEqual([BYTES]);
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
  [0, 0.5],
  [0, 0],
  [Number.NaN, 1],
  [2 ** 53, 1],
])('nothing is lent of %f+%f, and the driver is not asked', (start, count) => {
  const { device, asked } = open();
  expect(device.lend?.(start, count)).toBeUndefined();
  expect(asked).toEqual([]);
});

test('nothing is lent by a driver that does not lend, whose calls are kept apart, or that fails to', () => {
  expect(open({ lend: undefined }).device.lend?.(0, 1)).toBeUndefined();
  const apart = open({ atomicSectors: false });
  expect(apart.device.lend?.(0, 1)).toBeUndefined();
  expect(apart.asked).toEqual([]);
  const failing = open({
    lend() {
      throw new Error('out of luck');
    },
  });
  expect(failing.device.lend?.(0, 1)).toBeUndefined();
});

test('nothing is lent while the size changes, and it waits for no loan; nor after the end', async () => {
  let finish = () => {};
  const resized = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { device } = open({ resize: () => resized });
  expect(device.lend?.(0, 1)).toBeDefined();
  const resizing = device.resize(4);
  await new Promise((resolve) => setImmediate(resolve));
  expect(device.lend?.(0, 1)).toBeUndefined();
  finish();
  await resizing;
  expect(device.lend?.(4, 1)).toBeUndefined();
  expect(device.lend?.(3, 1)).toBeDefined();
  await device.disconnect();
  expect(device.lend?.(0, 1)).toBeUndefined();
});
