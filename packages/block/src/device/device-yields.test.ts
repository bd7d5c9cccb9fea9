import { describe, expect, test } from 'vitest';
import { type BlockDevice, type BlockDriver, createDevice } from '../index.js';
import { errorOf, memoryDriver, sparseDriver } from '../testing.js';

/** More than any machine does in the milliseconds after which the event loop is due. */
const OPERATIONS_MAX = 200_000;

/** Whether a timer fires while operation follows on operation, each awaited. */
async function yieldsToTimers(operation: (n: number) => unknown): Promise<boolean> {
  let isIn = false;
  const timer = setTimeout(() => {
    isIn = true;
  }, 1);
  for (let n = 0; !isIn && n < OPERATIONS_MAX; n++) await operation(n);
  clearTimeout(timer);
  return isIn;
}

const bytes = new Uint8Array(512);
const memory = (overrides: Partial<BlockDriver> = {}) => createDevice({ ...memoryDriver(512, 64), ...overrides });

const loops: readonly [string, (device: BlockDevice, n: number) => unknown][] = [
  ['reads', (device, n) => device.read(n % 64, [bytes])],
  ['writes', (device, n) => device.write(n % 64, [bytes])],
  ['nothing at all', (device) => device.write(0, [])],
  ['flushes', (device) => device.flush()],
  ['flushes of a range', (device) => device.flush({ start: 0, count: 1 })],
  ['discards', (device) => device.discard(0, 8)],
  ['writeZeroes', (device) => device.writeZeroes(0, 8)],
  ['extents', (device) => device.extents(0, 64)],
  ['resizes', (device, n) => device.resize(64 + (n % 2))],
  ['resizes to the same size', (device) => device.resize(64)],
  ['loans, and reads where there is none', (device, n) => device.lend?.(n % 64, 1) ?? device.read(n % 64, [bytes])],
  ['refusals', (device) => errorOf(device.read(1000, [bytes]))],
  ['refusals of arguments', (device) => errorOf(device.read(-1, [bytes]))],
  ['a mixture', (device, n) => (n % 3 === 0 ? device.extents(0, 64) : device.read(n % 64, [bytes]))],
];

describe('A loop of awaits does not hold back timers [O2]:', () => {
  test.each(loops)('%s, of a driver that finishes at once', async (_, operation) => {
    const device = memory({ lend: () => ({ views: [bytes], release() {} }) });
    expect(await yieldsToTimers((n) => operation(device, n))).toBe(true);
  });

  test.each(loops)('%s, of a driver that promises and does at once', async (_, operation) => {
    const { read, write, flush, resize } = memoryDriver(512, 64);
    const device = createDevice({
      ...sparseDriver(512, 64),
      atomicSectors: false,
      read: async (start, buffers) => read(start, buffers),
      write: async (start, buffers) => write(start, buffers),
      flush: async () => flush(),
      resize: async (sizeSectors) => resize(sizeSectors),
    });
    expect(await yieldsToTimers((n) => operation(device, n))).toBe(true);
  });

  test('failures of a driver', async () => {
    const device = memory({
      read() {
        throw new Error('no');
      },
    });
    expect(await yieldsToTimers(() => errorOf(device.read(0, [bytes])))).toBe(true);
  });

  test('disconnects of what is disconnected', async () => {
    const device = memory();
    expect(await yieldsToTimers(() => device.disconnect())).toBe(true);
  });

  test('many devices, each of which does little', async () => {
    const devices = Array.from({ length: 1000 }, () => memory());
    expect(await yieldsToTimers((n) => devices[n % 1000]?.read(0, [bytes]))).toBe(true);
  });

  test('many loops at once, none of which does much', async () => {
    const device = memory();
    let operations = 0;
    let isIn = false;
    const timer = setTimeout(() => {
      isIn = true;
    }, 1);
    const loop = async () => {
      while (!isIn && operations++ < OPERATIONS_MAX) await device.read(0, [bytes]);
    };
    await Promise.all(Array.from({ length: 1000 }, loop));
    clearTimeout(timer);
    expect(isIn).toBe(true);
  });
});

test('what has to yield has been carried out, and keeps its place before a disconnect [E1]', async () => {
  let macrotask = () => {};
  let nowMs = 0;
  const clock = {
    now: () => nowMs,
    set: () => undefined,
    clear: () => {},
    macrotask: (callback: () => void) => {
      macrotask = callback;
    },
  };
  const device = createDevice(memoryDriver(512, 8192), { clock });
  const large = new Uint8Array(1 << 20);
  await device.write(0, [large.fill(1)]);
  nowMs += 10;
  const order: string[] = [];
  const writing = device.write(0, [large.fill(2)]).then(() => order.push('write'));
  const ending = device.disconnect().then(() => order.push('disconnect'));
  await new Promise(setImmediate);
  expect(order).toEqual([]);
  macrotask();
  await Promise.all([writing, ending]);
  expect(order).toEqual(['write', 'disconnect']);
});
