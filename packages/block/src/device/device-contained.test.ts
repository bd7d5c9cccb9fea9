import { describe, expect, test } from 'vitest';
import { type BlockDevice, type BlockDriver, createDevice } from '../index.js';
import { errorOf, holdCalls, memoryDriver, sectorsOf, settled } from '../testing.js';

const THEN = 'then';

/** Transfers the memory away, as if to another thread. */
function detach(bytes: Uint8Array): void {
  const memory = bytes.buffer as ArrayBuffer;
  structuredClone(memory, { transfer: [memory] });
}

/** Memory of 1024 bytes that its owner can resize. The platform has it; the types that the package is built with do not yet. */
function resizable(): ArrayBuffer & { resize(byteLength: number): void } {
  const Resizable = ArrayBuffer as unknown as new (
    byteLength: number,
    options: { readonly maxByteLength: number },
  ) => ReturnType<typeof resizable>;
  return new Resizable(1024, { maxByteLength: 2048 });
}

/** Whether all can still proceed: what waits for everything in flight would hang if one operation were forgotten. */
async function expectNobodyForgotten(device: BlockDevice): Promise<void> {
  await device.resize(device.info.sizeSectors + 1);
  await device.write(0, [sectorsOf(9, 1)]);
  const bytes = new Uint8Array(512);
  await device.read(0, [bytes]);
  expect(bytes).toEqual(sectorsOf(9, 1));
  await device.disconnect();
}

describe('A buffer that is taken away while its operation waits', () => {
  const LOSSES: Readonly<Record<string, () => { buffer: Uint8Array; lose(): void }>> = {
    detached: () => {
      const buffer = sectorsOf(5, 2);
      return { buffer, lose: () => detach(buffer) };
    },
    shrunk: () => {
      const memory = resizable();
      return { buffer: new Uint8Array(memory), lose: () => memory.resize(512) };
    },
    'grown where it was no longer to': () => {
      const memory = resizable();
      return { buffer: new Uint8Array(memory), lose: () => memory.resize(1536) };
    },
  };

  for (const [how, make] of Object.entries(LOSSES)) {
    for (const operation of ['read', 'write'] as const) {
      test(`by being ${how} fails the ${operation} alone, at the gate and in its place behind another [A3]`, async () => {
        const driver = holdCalls(memoryDriver(512, 16));
        const device = createDevice(driver);
        const first = device.write(0, [sectorsOf(1, 4)]);
        const [inOrder, atGate] = [make(), make()];
        const behind = device[operation](2, [sectorsOf(7, 1), inOrder.buffer]);
        const other = device.write(3, [sectorsOf(2, 1)]);
        const resize = device.resize(20);
        const late = device[operation](8, [atGate.buffer]);
        const lateOther = device.write(8, [sectorsOf(3, 1)]);
        const errors = Promise.all([errorOf(behind), errorOf(late)]);
        inOrder.lose();
        atGate.lose();
        driver.release();
        await Promise.all([first, other, resize, lateOther]);
        for (const error of await errors) expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', operation });
        await expectNobodyForgotten(device);
      });
    }
  }

  test('is for the driver to notice once it has begun, and fails that operation alone', async () => {
    const driver = holdCalls(memoryDriver(512, 16));
    const device = createDevice(driver);
    const buffer = sectorsOf(5, 1);
    const failing = errorOf(device.write(0, [buffer]));
    const behind = device.write(0, [sectorsOf(6, 1)]);
    await settled();
    detach(buffer);
    driver.take('write').fail(new TypeError('detached'));
    expect(await failing).toMatchObject({ code: 'IO' });
    driver.release();
    await behind;
    await expectNobodyForgotten(device);
  });
});

describe('What a driver throws', () => {
  const throws = () => {
    throw new Error('thrown');
  };
  const CALLS: Readonly<Record<string, (device: BlockDevice) => Promise<unknown>>> = {
    read: (device) => device.read(0, [new Uint8Array(512)]),
    write: (device) => device.write(0, [sectorsOf(1, 1)]),
    flush: (device) => device.flush(),
    discard: (device) => device.discard(0, 1),
    writeZeroes: (device) => device.writeZeroes(0, 1),
    extents: (device) => device.extents(0, 1),
    resize: (device) => device.resize(8),
    disconnect: (device) => device.disconnect(),
  };
  const WAYS: Readonly<Record<string, (operation: string) => PropertyDescriptor>> = {
    'throws when it is called': () => ({ value: throws }),
    'cannot be looked up': () => ({ get: throws }),
    'rejects with what cannot be shown': () => ({ value: () => Promise.reject(Object.create(null)) }),
    'returns what cannot be asked for its promise': () => ({
      value: () => Object.defineProperty({}, THEN, { get: throws }),
    }),
  };

  for (const [way, member] of Object.entries(WAYS)) {
    for (const [operation, call] of Object.entries(CALLS)) {
      for (const atomicSectors of [false, true]) {
        test(`fails ${operation} alone where its driver ${way} (atomic: ${atomicSectors}) [A1]`, async () => {
          let misbehaves = false;
          const good = { discard() {}, extents: undefined, ...memoryDriver(512, 16), atomicSectors };
          const bad = Object.defineProperty({} as Record<string, unknown>, operation, member(operation));
          const optional =
            operation === 'extents'
              ? { extents: (start: number, count: number) => [{ start, count, type: 'data' as const }] }
              : {};
          const driver = new Proxy({ ...good, writeZeroes() {}, ...optional } as BlockDriver, {
            get: (target, name) => (misbehaves && name === operation ? bad[operation] : Reflect.get(target, name)),
          });
          const device = createDevice(driver);
          misbehaves = true;
          expect(await errorOf(call(device))).toMatchObject({ name: 'BlockError', code: 'IO', operation });
          misbehaves = false;
          await expectNobodyForgotten(device);
        });
      }
    }
  }

  test('makes it lend nothing, and hold back no one [B4]', async () => {
    for (const member of [{ get: throws }, { value: throws }]) {
      const driver = Object.defineProperty(memoryDriver(512, 16), 'lend', member);
      const device = createDevice(driver);
      expect(device.lend?.(0, 1)).toBeUndefined();
      await expectNobodyForgotten(device);
    }
  });

  test('while a device is made of it goes to the caller that makes it', async () => {
    const driver = Object.defineProperty(memoryDriver(512, 16), 'sizeSectors', { get: throws });
    expect(() => createDevice(driver)).toThrow('thrown');
  });
});
