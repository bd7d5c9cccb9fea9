import { describe, expect, test } from 'vitest';
import { BlockError, createDevice } from '../index.js';
import { heldMemory, operations } from '../testing/held-memory.js';
import { errorOf, holdCalls, memoryDriver, sectorsOf, settled, stateOf } from '../testing.js';

describe('Disconnect', () => {
  test('waits for what is in flight, flushes, and ends the driver, in this order [E1]', async () => {
    const { driver, device } = heldMemory();
    const writing = device.write(0, [sectorsOf(1, 1)]);
    const ending = device.disconnect();
    await settled();
    expect(operations(driver)).toEqual(['write']);
    driver.take('write').carryOut();
    await writing;
    await settled();
    expect(operations(driver)).toEqual(['flush']);
    driver.take('flush').carryOut();
    await settled();
    expect(driver.take('disconnect').args).toEqual([{}]);
    expect(await stateOf(ending)).toBe('pending');
  });

  test('does not flush what is read-only', async () => {
    const { driver, device } = heldMemory(16, { readOnly: true });
    const ending = device.disconnect();
    await settled();
    driver.take('disconnect').carryOut();
    await ending;
  });

  test('ends the driver once, however often and however it is called [E2]', async () => {
    const ends: unknown[] = [];
    const device = createDevice({ ...memoryDriver(512, 1), disconnect: (options) => void ends.push(options) });
    await Promise.all([device.disconnect(), device.disconnect(), device[Symbol.asyncDispose]()]);
    await device.disconnect();
    await device.disconnect({ force: true });
    await device[Symbol.asyncDispose]();
    expect(ends).toEqual([{}]);
  });

  test('is called by `await using`', async () => {
    let ended = false;
    const end = () => {
      ended = true;
    };
    {
      await using device = createDevice({ ...memoryDriver(512, 1), disconnect: end });
      expect(device.info.sizeSectors).toBe(1);
      expect(ended).toBe(false);
    }
    expect(ended).toBe(true);
  });

  test('makes every later operation DISCONNECTED, and those that came while it ran [E3]', async () => {
    const { driver, device } = heldMemory();
    const ending = device.disconnect();
    const calls = [
      device.read(0, [new Uint8Array(512)]),
      device.write(0, [sectorsOf(1, 1)]),
      device.flush(),
      device.resize(8),
      device.discard(0, 1),
      device.writeZeroes(0, 1),
      device.extents(0, 1),
    ];
    const errors = Promise.all(calls.map(errorOf));
    driver.release();
    await ending;
    for (const error of await errors) expect(error).toMatchObject({ code: 'DISCONNECTED' });
    for (const call of [device.read(0, []), device.flush(), device.resize(16), device.extents(0, 0)]) {
      expect(await errorOf(call)).toMatchObject({ code: 'DISCONNECTED' });
    }
  });

  for (const step of ['flush', 'disconnect'] as const) {
    test(`that fails to ${step} leaves the device connected, to be tried again [E4]`, async () => {
      const { driver, device } = heldMemory();
      const cause = new BlockError('UNAVAILABLE', 'gone for a moment');
      const ending = device.disconnect();
      const writing = device.write(1, [sectorsOf(1, 1)]);
      await settled();
      if (step === 'disconnect') driver.take('flush').carryOut();
      await settled();
      driver.take(step).fail(cause);
      expect(await errorOf(ending)).toMatchObject({ code: 'UNAVAILABLE', operation: 'disconnect', cause });
      driver.release();
      await writing;
      const bytes = new Uint8Array(512);
      await device.read(1, [bytes]);
      expect(bytes).toEqual(sectorsOf(1, 1));
      await device.disconnect();
      expect(await errorOf(device.flush())).toMatchObject({ code: 'DISCONNECTED' });
    });
  }

  test('that fails while its caller lets the event loop go first is told all the same [E4]', async () => {
    const device = createDevice({
      ...memoryDriver(512, 1),
      flush() {
        throw new BlockError('NO_SPACE', 'full');
      },
    });
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
    }, 50);
    // Of so many in a row some let it go first.
    while (!isOver) expect(await errorOf(device.disconnect())).toMatchObject({ code: 'NO_SPACE' });
    clearTimeout(timer);
  });

  test('that fails for two callers at once gives each an error of their own', async () => {
    const cause = new Error('no');
    const device = createDevice({ ...memoryDriver(512, 1), flush: () => Promise.reject(cause) });
    const [one, other] = await Promise.all([errorOf(device.disconnect()), errorOf(device.disconnect())]);
    expect([one, other]).toMatchObject([{ cause }, { cause }]);
    expect(one).not.toBe(other);
  });
});

describe('Disconnect by force', () => {
  test('waits for nothing that is in flight, and keeps what waited away from the driver', async () => {
    const { driver, device } = heldMemory();
    const hung = device.write(0, [sectorsOf(1, 1)]);
    const behindIt = device.write(0, [sectorsOf(2, 1)]);
    const resizing = device.resize(8);
    const behindAll = device.read(0, [new Uint8Array(512)]);
    await settled();
    const errors = Promise.all([behindIt, resizing, behindAll].map(errorOf));
    const ending = device.disconnect({ force: true });
    await settled();
    expect(driver.held.at(-1)).toMatchObject({ operation: 'disconnect', args: [{ force: true }] });
    for (const error of await errors) expect(error).toMatchObject({ code: 'DISCONNECTED' });
    expect(operations(driver)).toEqual(['write', 'disconnect']);
    driver.held.at(-1)?.carryOut();
    await ending;
    // The driver's to settle, because the caller's buffer is its as long as it may use it.
    expect(await stateOf(hung)).toBe('pending');
    driver.take('write').fail(new BlockError('DISCONNECTED', 'ended by force'));
    expect(await errorOf(hung)).toMatchObject({ code: 'DISCONNECTED', operation: 'write' });
  });

  test('resolves even if the driver fails to end [E4]', async () => {
    for (const disconnect of [
      () => Promise.reject(new Error('no')),
      () => {
        throw new Error('no');
      },
    ]) {
      const device = createDevice({ ...memoryDriver(512, 1), disconnect });
      await device.disconnect({ force: true });
      await device.disconnect();
      expect(await errorOf(device.flush())).toMatchObject({ code: 'DISCONNECTED' });
    }
  });

  test('ends what a normal disconnect failed to end, without another flush', async () => {
    const { driver, device } = heldMemory();
    const ending = device.disconnect();
    await settled();
    driver.take('flush').fail(new Error('no'));
    await errorOf(ending);
    const forcing = device.disconnect({ force: true });
    await settled();
    expect(operations(driver)).toEqual(['disconnect']);
    driver.release();
    await forcing;
  });

  for (const step of ['in-flight write', 'flush', 'disconnect'] as const) {
    test(`lets go of a normal disconnect that hangs in its ${step}`, async () => {
      const { driver, device } = heldMemory();
      if (step === 'in-flight write') device.write(0, [sectorsOf(1, 1)]).catch(() => {});
      const ending = device.disconnect();
      await settled();
      if (step === 'disconnect') driver.take('flush').carryOut();
      const forcing = device.disconnect({ force: true });
      const again = device.disconnect({ force: true });
      const afterwards = device.disconnect();
      await settled();
      for (const promise of [ending, forcing, again, afterwards]) expect(await stateOf(promise)).toBe('pending');
      driver.held.at(-1)?.carryOut();
      await Promise.all([ending, forcing, again, afterwards]);
      // What hung may still complete or fail, and does no harm.
      driver.release();
      await settled();
      expect(await errorOf(device.flush())).toMatchObject({ code: 'DISCONNECTED' });
    });
  }

  test('outdoes a normal one that fails at the same time', async () => {
    const { driver, device } = heldMemory();
    const ending = device.disconnect();
    await settled();
    const forcing = device.disconnect({ force: true });
    await settled();
    driver.take('flush').fail(new Error('no'));
    expect(await stateOf(ending)).toBe('pending');
    driver.release();
    await Promise.all([ending, forcing]);
  });

  test('stops a zeroing that works in several steps', async () => {
    let writes = 0;
    const { driver, device } = heldMemory();
    const big = holdCalls({ ...memoryDriver(512, 8192), write: () => void writes++ });
    const bigDevice = createDevice(big);
    const zeroing = bigDevice.writeZeroes(0, 8192);
    await settled();
    const ending = bigDevice.disconnect({ force: true });
    await settled();
    big.take('write').carryOut();
    expect(await errorOf(zeroing)).toMatchObject({ code: 'DISCONNECTED', operation: 'writeZeroes' });
    big.release();
    await ending;
    expect(writes).toBe(1);
    driver.release();
    await device.disconnect();
  });
});
