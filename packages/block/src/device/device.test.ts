import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { type BlockDevice, type BlockDriver, BlockError, createDevice, type Operation } from '../index.js';
import { errorOf, memoryDriver, sectorsOf, sparseDriver } from '../testing.js';

const SECTORS = 16;

function memory(overrides: Partial<BlockDriver> = {}): BlockDevice {
  return createDevice({ ...memoryDriver(512, SECTORS), ...overrides });
}

/** One valid call of every operation that can be refused, `disconnect` aside. */
const CALLS: Readonly<Record<Exclude<Operation, 'disconnect'>, (device: BlockDevice) => Promise<unknown>>> = {
  read: (device) => device.read(0, [new Uint8Array(512)]),
  write: (device) => device.write(0, [sectorsOf(1, 1)]),
  flush: (device) => device.flush(),
  resize: (device) => device.resize(8),
  discard: (device) => device.discard(0, 1),
  writeZeroes: (device) => device.writeZeroes(0, 1),
  extents: (device) => device.extents(0, 1),
};
const CHANGES = ['write', 'resize', 'discard', 'writeZeroes'] as const;

/** Invalid arguments, of every type. */
const call = (device: BlockDevice, operation: string, ...args: readonly unknown[]): Promise<unknown> =>
  (device as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>)[operation]?.(
    ...args,
  ) as Promise<unknown>;

async function readAll(device: BlockDevice): Promise<Uint8Array> {
  const bytes = new Uint8Array(device.info.sizeSectors * device.info.sectorSize);
  await device.read(0, [bytes]);
  return bytes;
}

describe('A driver with wrong facts', () => {
  test.each([
    ['sectorSize', 0],
    ['sectorSize', 256],
    ['sectorSize', 513],
    ['sectorSize', 131_072],
    ['sectorSize', '512'],
    ['sizeSectors', -1],
    ['sizeSectors', 0.5],
    ['sizeSectors', 2 ** 44],
    ['preferredIoBytes', 0],
    ['preferredIoBytes', 513],
  ])('is refused: %s %s', (fact, value) => {
    const driver = { ...memoryDriver(512, 1), [fact]: value } as BlockDriver;
    expect(() => createDevice(driver)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('Info', () => {
  test('is completed from what the driver says', () => {
    expect(memory().info).toEqual({
      name: 'memory',
      sectorSize: 512,
      sizeSectors: SECTORS,
      readOnly: false,
      preferredIoBytes: 65_536,
      native: { discard: false, writeZeroes: false, extents: false },
    });
    const native = createDevice(sparseDriver(65_536, 1, { preferredIoBytes: 131_072, readOnly: true })).info;
    expect(native).toMatchObject({ readOnly: true, preferredIoBytes: 131_072 });
    expect(native.native).toEqual({ discard: true, writeZeroes: true, extents: true });
  });

  test('is replaced by a resize, and no one can change it', async () => {
    const device = memory();
    const before = device.info;
    expect(device.info).toBe(before);
    await device.resize(20);
    expect(before.sizeSectors).toBe(SECTORS);
    expect(device.info).toEqual({ ...before, sizeSectors: 20 });
    expect(Object.isFrozen(device.info)).toBe(true);
    expect(Object.isFrozen(device.info.native)).toBe(true);
  });

  test('keeps count of the size even if the driver does not', async () => {
    const driver = memoryDriver(512, SECTORS);
    const device = createDevice(driver);
    await device.resize(20);
    expect(driver.sizeSectors).toBe(SECTORS);
    await device.write(19, [sectorsOf(1, 1)]);
    expect(await errorOf(device.read(20, [new Uint8Array(512)]))).toMatchObject({ code: 'OUT_OF_BOUNDS' });
  });
});

describe('Arguments', () => {
  const notIntegers = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '0', 0n, null, undefined, {}, () => 0];

  test.each(notIntegers)('that are no non-negative safe integers are INVALID_ARGUMENT: %s [A5]', async (value) => {
    const device = memory();
    const calls = [
      call(device, 'read', value, []),
      call(device, 'write', value, []),
      call(device, 'flush', { start: value, count: 0 }),
      call(device, 'flush', { start: 0, count: value }),
      call(device, 'resize', value),
      call(device, 'discard', value, 0),
      call(device, 'discard', 0, value),
      call(device, 'writeZeroes', value, 0),
      call(device, 'writeZeroes', 0, value),
      call(device, 'extents', value, 0),
      call(device, 'extents', 0, value),
    ];
    for (const promise of calls) {
      const error = await errorOf(promise);
      expect(error).toBeInstanceOf(BlockError);
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', device: 'memory', retryable: false });
    }
  });

  test('a size of more than 2^53 - 1 bytes is INVALID_ARGUMENT [A5]', async () => {
    const device = memory();
    expect(await errorOf(device.resize(2 ** 44))).toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'resize' });
    expect(await errorOf(device.resize(Number.MAX_SAFE_INTEGER))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test.each([
    undefined,
    null,
    'bytes',
    new Uint8Array(512),
    [new Uint8ClampedArray(512)],
    [new DataView(new ArrayBuffer(512))],
    [new Uint16Array(256)],
    [new ArrayBuffer(512)],
    [Object.create(Uint8Array.prototype)],
    [undefined],
    new Array(1),
  ])('that are no list of Uint8Array are INVALID_ARGUMENT (case %#)', async (buffers) => {
    const device = memory();
    expect(await errorOf(call(device, 'read', 0, buffers))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await errorOf(call(device, 'write', 0, buffers))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test.each([null, 5, 'all'])('a flush of the range %s is INVALID_ARGUMENT', async (range) => {
    expect(await errorOf(call(memory(), 'flush', range))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('each buffer must be whole sectors, not only their sum [A3]', async () => {
    const device = memory();
    for (const lengths of [[511], [256, 256], [512, 1, 511]]) {
      const buffers = lengths.map((length) => new Uint8Array(length).fill(1));
      expect(await errorOf(device.write(0, buffers))).toMatchObject({ code: 'UNALIGNED', operation: 'write' });
      expect(await errorOf(device.read(0, buffers))).toMatchObject({ code: 'UNALIGNED', operation: 'read' });
    }
    expect(await readAll(device)).toEqual(sectorsOf(0, SECTORS));
  });

  test('lists are of any length, and empty buffers in them do not matter [A3]', async () => {
    const lists: (readonly Uint8Array[])[] = [];
    const device = memory({
      write(_start, buffers) {
        lists.push(buffers);
      },
    });
    const many = Array.from({ length: SECTORS }, (_, i) => sectorsOf(i, 1));
    await device.write(0, many);
    await device.write(0, [new Uint8Array(0), sectorsOf(1, 1), new Uint8Array(0), sectorsOf(2, 2)]);
    expect(lists).toEqual([many, [sectorsOf(1, 1), sectorsOf(2, 2)]]);
  });

  test('an empty list or range succeeds and does nothing, up to the end and not past it [A4]', async () => {
    const called: string[] = [];
    const note = (name: string) => () => void called.push(name);
    const device = memory({
      read: note('read'),
      write: note('write'),
      flush: note('flush'),
      discard: note('discard'),
      extents: () => [],
    });
    for (const start of [0, 7, SECTORS]) {
      await device.read(start, []);
      await device.read(start, [new Uint8Array(0)]);
      await device.write(start, []);
      await device.discard(start, 0);
      await device.writeZeroes(start, 0);
      await device.flush({ start, count: 0 });
      expect(await device.extents(start, 0)).toEqual([]);
    }
    expect(called).toEqual([]);
    for (const promise of [
      device.read(SECTORS + 1, []),
      device.write(SECTORS + 1, []),
      device.discard(SECTORS + 1, 0),
      device.writeZeroes(SECTORS + 1, 0),
      device.flush({ start: SECTORS + 1, count: 0 }),
      device.extents(SECTORS + 1, 0),
    ]) {
      expect(await errorOf(promise)).toMatchObject({ code: 'OUT_OF_BOUNDS' });
    }
  });

  test('a range past the end is OUT_OF_BOUNDS and changes nothing [A6]', async () => {
    const device = memory();
    for (const promise of [
      device.write(SECTORS - 1, [sectorsOf(1, 2)]),
      device.write(SECTORS, [sectorsOf(1, 1)]),
      device.read(SECTORS - 1, [new Uint8Array(1024)]),
      device.discard(1, SECTORS),
      device.writeZeroes(0, SECTORS + 1),
      device.flush({ start: 1, count: SECTORS }),
      device.extents(1, Number.MAX_SAFE_INTEGER),
      device.discard(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    ]) {
      expect(await errorOf(promise)).toMatchObject({ code: 'OUT_OF_BOUNDS' });
    }
    expect(await readAll(device)).toEqual(sectorsOf(0, SECTORS));
  });

  test('a device of 2^53 - 1 bytes works up to its last sector [A5]', async () => {
    const sectorsMax = Math.floor(Number.MAX_SAFE_INTEGER / 512);
    const device = createDevice(sparseDriver(512, 0));
    await device.resize(sectorsMax);
    await device.write(sectorsMax - 1, [sectorsOf(7, 1)]);
    const bytes = new Uint8Array(1024);
    await device.read(sectorsMax - 2, [bytes]);
    expect(bytes).toEqual(new Uint8Array([...sectorsOf(0, 1), ...sectorsOf(7, 1)]));
    expect(await errorOf(device.read(sectorsMax - 1, [bytes]))).toMatchObject({ code: 'OUT_OF_BOUNDS' });
    expect(await device.extents(0, sectorsMax)).toEqual([
      { start: 0, count: sectorsMax - 1, type: 'zero' },
      { start: sectorsMax - 1, count: 1, type: 'data' },
    ]);
    await device.discard(0, sectorsMax);
    expect(await device.extents(0, sectorsMax)).toEqual([{ start: 0, count: sectorsMax, type: 'zero' }]);
  });

  test('nothing throws synchronously, whatever is passed [A1]', async () => {
    const device = memory();
    for (const operation of [...Object.keys(CALLS), 'disconnect']) {
      for (const args of [[], [null, null], [Symbol('s'), Symbol('s')], [{}, [{}]], [[], [[]]]]) {
        const promise = call(device, operation, ...args);
        expect(promise).toBeInstanceOf(Promise);
        await promise.catch((error: unknown) => expect(error).toBeInstanceOf(BlockError));
      }
    }
  });
});

describe('The order of checks [A2]', () => {
  test('a bad argument comes before disconnected', async () => {
    const device = memory({ readOnly: true });
    await device.disconnect();
    expect(await errorOf(device.write(0, [new Uint8Array(1)]))).toMatchObject({ code: 'UNALIGNED' });
    expect(await errorOf(device.write(-1, []))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await errorOf(device.resize(2 ** 44))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await errorOf(device.discard(0, -1))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('disconnected comes before read-only', async () => {
    const device = memory({ readOnly: true });
    await device.disconnect();
    for (const operation of CHANGES) {
      expect(await errorOf(CALLS[operation](device))).toMatchObject({ code: 'DISCONNECTED' });
    }
  });

  test('read-only comes before bounds', async () => {
    const device = memory({ readOnly: true });
    const past = SECTORS + 1;
    for (const promise of [device.write(past, []), device.discard(past, 1), device.writeZeroes(past, 0)]) {
      expect(await errorOf(promise)).toMatchObject({ code: 'READ_ONLY' });
    }
  });
});

describe('A read-only device [A7]', () => {
  test.each(CHANGES)('refuses %s and changes nothing', async (operation) => {
    let touched = false;
    const touch = () => {
      touched = true;
    };
    const device = memory({ readOnly: true, write: touch, resize: touch, discard: touch, writeZeroes: touch });
    expect(await errorOf(CALLS[operation](device))).toMatchObject({ code: 'READ_ONLY', operation });
    expect(touched).toBe(false);
    expect(device.info.sizeSectors).toBe(SECTORS);
  });

  test('reads, flushes and ends like any other', async () => {
    const device = memory({ readOnly: true });
    await readAll(device);
    await device.flush();
    await device.extents(0, SECTORS);
    await device.disconnect();
  });
});

describe('Buffers', () => {
  test('of another realm are taken like our own', async () => {
    const device = memory();
    const foreign = runInNewContext('[new Uint8Array(512).fill(9)]') as Uint8Array[];
    expect(foreign[0]).not.toBeInstanceOf(Uint8Array);
    await device.write(3, foreign);
    expect((await readAll(device)).subarray(3 * 512, 4 * 512)).toEqual(sectorsOf(9, 1));
  });

  test('may be views of shared memory', async () => {
    const device = memory();
    const shared = new Uint8Array(new SharedArrayBuffer(1024), 512).fill(5);
    await device.write(0, [shared]);
    shared.fill(0);
    await device.read(0, [shared]);
    expect([...shared]).toEqual([...sectorsOf(5, 1)]);
  });

  test('may be unaligned views, and of a subclass', async () => {
    const device = memory();
    await device.write(0, [Buffer.alloc(515, 3).subarray(3)]);
    const target = new Uint8Array(513).subarray(1);
    await device.read(0, [target]);
    expect(target).toEqual(sectorsOf(3, 1));
  });

  test('that are detached are INVALID_ARGUMENT, not empty', async () => {
    const device = memory();
    const detached = new Uint8Array(512);
    structuredClone(detached, { transfer: [detached.buffer] });
    expect(await errorOf(device.write(0, [detached]))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await errorOf(device.read(0, [new Uint8Array(512), detached]))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('reach the driver in a list of its own, so that the caller can use theirs again', async () => {
    let seen: readonly Uint8Array[] = [];
    const device = memory({
      async write(_start, buffers) {
        await Promise.resolve();
        seen = [...buffers];
      },
    });
    const list = [sectorsOf(1, 1)];
    const writing = device.write(0, list);
    list[0] = sectorsOf(2, 2);
    list.push(sectorsOf(3, 3));
    await writing;
    expect(seen).toEqual([sectorsOf(1, 1)]);
  });
});

describe('A driver that fails', () => {
  const boom = new Error('boom');
  const ways: Readonly<Record<string, () => never | Promise<never>>> = {
    'throws synchronously': () => {
      throw boom;
    },
    rejects: async () => {
      throw boom;
    },
  };

  for (const [way, fail] of Object.entries(ways)) {
    test.each(Object.keys(CALLS) as (keyof typeof CALLS)[])(
      `${way} in %s: a BlockError with its cause [A1]`,
      async (operation) => {
        for (const atomicSectors of [true, false]) {
          const device = memory({ [operation]: fail, atomicSectors });
          const error = await errorOf(CALLS[operation](device));
          expect(error).toBeInstanceOf(BlockError);
          expect(error).toMatchObject({ code: 'IO', operation, device: 'memory', cause: boom });
          // The device still works.
          await device.read(0, []);
          await device.resize(SECTORS + 1).catch(() => {});
        }
      },
    );
  }

  test('with a BlockError keeps its code and whether it may be tried again', async () => {
    const cause = new BlockError('NO_SPACE', 'the quota is used up', { retryable: false });
    const device = memory({
      write() {
        throw cause;
      },
    });
    const error = await errorOf(device.write(2, [sectorsOf(1, 3)]));
    expect(error).toMatchObject({ code: 'NO_SPACE', retryable: false, cause, operation: 'write', start: 2, count: 3 });
    expect(error).not.toBe(cause);
  });

  test('once for many callers gives each an error of their own', async () => {
    const cause = new Error('the only one');
    const shared = Promise.reject(cause);
    shared.catch(() => {});
    const device = memory({ read: () => shared });
    const errors = await Promise.all([0, 1, 2].map((start) => errorOf(device.read(start, [new Uint8Array(512)]))));
    expect(new Set(errors).size).toBe(3);
    expect(errors).toMatchObject([0, 1, 2].map((start) => ({ code: 'IO', start, cause })));
  });

  test('with something that is no error still rejects with one', async () => {
    const device = memory({ flush: () => Promise.reject('just a string') });
    expect(await errorOf(device.flush())).toMatchObject({ code: 'IO', cause: 'just a string' });
  });

  test('to resize leaves the size and the data as they were [S4]', async () => {
    const device = memory({ resize: () => Promise.reject(new Error('no')) });
    await device.write(15, [sectorsOf(1, 1)]);
    const before = device.info;
    expect(await errorOf(device.resize(8))).toMatchObject({ code: 'IO', operation: 'resize' });
    expect(device.info).toBe(before);
    expect((await readAll(device)).subarray(15 * 512)).toEqual(sectorsOf(1, 1));
  });

  test('does not get its own errors repeated as a cause by the checks of the device', async () => {
    const error = await errorOf(memory().read(SECTORS, [new Uint8Array(512)]));
    expect((error as Error).cause).toBeUndefined();
    expect((error as Error).message).toBe(
      "read on memory, 1 sectors from 16: the range ends past the device's 16 sectors",
    );
  });
});

describe('A driver that finishes at once', () => {
  test.each([true, false])('costs no microtask beyond the await (atomicSectors %s)', async (atomicSectors) => {
    const device = memory({ atomicSectors });
    const order: string[] = [];
    const writing = device.write(0, [sectorsOf(1, 1)]).then(() => order.push('write'));
    const other = Promise.resolve().then(() => order.push('other'));
    await Promise.all([writing, other]);
    expect(order).toEqual(['write', 'other']);
  });
});

describe('A resize', () => {
  test('to the same size does not bother the driver', async () => {
    const device = memory({
      resize() {
        throw new Error('not called');
      },
    });
    await device.resize(SECTORS);
  });

  test('grows and shrinks, and grown space reads as zeroes [S2]', async () => {
    const device = memory();
    await device.write(0, [sectorsOf(1, SECTORS)]);
    await device.resize(4);
    expect(await readAll(device)).toEqual(sectorsOf(1, 4));
    await device.resize(6);
    expect(await readAll(device)).toEqual(new Uint8Array([...sectorsOf(1, 4), ...sectorsOf(0, 2)]));
    await device.resize(0);
    expect(await readAll(device)).toEqual(new Uint8Array(0));
  });
});
