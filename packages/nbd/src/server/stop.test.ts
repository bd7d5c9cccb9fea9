import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type BlockDriver, BlockError, createDevice, isBlockError } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { afterEach, describe, test } from 'vitest';
import { MIB, pattern, type Setup, setUp } from '../testing/serve.js';
import { Command, CommandFlag } from '../wire/protocol.js';

const { READ, WRITE, WRITE_ZEROES } = Command;

const setups: Setup[] = [];
afterEach(async () => {
  for (const setup of setups.splice(0)) await setup[Symbol.asyncDispose]();
});
const start = async (options?: Parameters<typeof setUp>[0]): Promise<Setup> => {
  const setup = await setUp(options);
  setups.push(setup);
  return setup;
};

/** A device that records how it ends. */
const recorded = (overrides: Partial<BlockDriver> = {}) => {
  const calls: string[] = [];
  const driver: BlockDriver = {
    name: 'recorded',
    sectorSize: 512,
    sizeSectors: 4096,
    read: () => {},
    write: () => {
      calls.push('write');
    },
    flush: () => {
      calls.push('flush');
    },
    resize: () => {},
    disconnect: ({ force }) => {
      calls.push(force === true ? 'disconnect by force' : 'disconnect');
    },
    ...overrides,
  };
  return { device: createDevice(driver), calls };
};

/** A promise and the way to end it. */
const gate = () => {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
};

describe('stop', () => {
  test('answers what was read, flushes, and hangs up', async () => {
    const { passed, open } = gate();
    const { device, calls } = recorded();
    const held = createDevice({
      name: 'held',
      sectorSize: 512,
      sizeSectors: 4096,
      read: (at, buffers) => device.read(at, buffers),
      write: async (at, buffers) => {
        await passed;
        await device.write(at, buffers);
      },
      flush: () => device.flush(),
      resize: () => {},
      disconnect: () => {},
    });
    const setup = await start({ device: held });
    const client = await setup.open();
    for (let i = 0; i < 5; i++) client.sendRequest({ command: WRITE, cookie: i, payload: pattern(512) });
    await setup.until(() => setup.server.stats().requestsInFlight === 5);
    const stopped = setup.server.stop();
    client.sendRequest({ command: WRITE, cookie: 99, payload: pattern(512) });
    open();
    for (let i = 0; i < 5; i++) assert.equal((await client.readReply()).errno, 0);
    await client.closed;
    assert.equal(client.unreadBytes, 0);
    client.close();
    await stopped;
    assert.deepEqual(calls, ['write', 'write', 'write', 'write', 'write', 'flush']);
    assert.equal(setup.server.connections, 0);
  });

  test('takes no further connection and removes its socket', async () => {
    const setup = await start();
    const { address } = setup.server;
    assert.ok('path' in address && existsSync(address.path));
    await setup.server.stop();
    assert.ok(!existsSync(address.path));
    await assert.rejects(setup.connect());
  });

  test('ends clients that are still shaking hands', async () => {
    const setup = await start();
    const client = await setup.connect();
    await client.greet();
    await setup.server.stop();
    await client.closed;
  });

  test('is idempotent, also while it is under way', async () => {
    const { device, calls } = recorded();
    const setup = await start({ device, ownsDevices: true });
    await Promise.all([setup.server.stop(), setup.server.stop()]);
    await setup.server.stop();
    assert.deepEqual(calls, ['flush', 'disconnect']);
  });

  test('flushes a device of several exports once, and leaves it to its owner', async () => {
    const { device, calls } = recorded();
    const setup = await start({ exports: { a: device, b: { device, readOnly: true } } });
    await setup.server.stop();
    assert.deepEqual(calls, ['flush']);
    await device.read(0, [new Uint8Array(512)]);
  });

  test('does not mind a device that its owner has ended before', async () => {
    const { device } = recorded();
    const setup = await start({ device });
    await device.disconnect();
    await setup.server.stop();
  });

  test('waits for a client that takes its time, but not for ever', async () => {
    const clock = new ManualClock();
    const setup = await start({ clock });
    const client = await setup.open({ mode: 'simple' });
    client.socket.pause();
    client.sendRequest({ command: READ, length: 32 * MIB });
    await setup.until(() => setup.server.stats().inFlightBytes === 32 * MIB);
    const stopped = setup.server.stop();
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(setup.server.connections, 1);
    clock.advance(10_000);
    await stopped;
    assert.equal(clock.timers.length, 0);
  });

  test('does not wait for ever for a device that never answers a request', async () => {
    const clock = new ManualClock();
    const { device, calls } = recorded({ atomicSectors: true, write: () => new Promise(() => {}) });
    const setup = await start({ clock, device });
    const client = await setup.open({ mode: 'simple' });
    client.sendRequest({ command: WRITE, payload: pattern(4096) });
    await setup.until(() => setup.server.stats().requestsInFlight === 1);
    const stopped = setup.server.stop();
    clock.advance(10_000);
    await stopped;
    assert.deepEqual(calls, ['flush']);
  });

  test('gives up zeroes that are still being written for a client that it has cut off', async () => {
    const clock = new ManualClock();
    let writes = 0;
    const { device } = recorded({
      sizeSectors: 2 ** 40,
      discard: () => {},
      write: () => {
        writes++;
      },
    });
    const setup = await start({ clock, device });
    const client = await setup.open({ mode: 'simple' });
    client.sendRequest({ command: WRITE_ZEROES, flags: CommandFlag.NO_HOLE, length: 2 ** 31 });
    await setup.until(() => writes > 2);
    const stopped = setup.server.stop();
    clock.advance(10_000);
    await stopped;
    await setup.until(() => setup.server.connections === 0);
    assert.ok(writes < 2048, `${writes} writes`);
  });

  test('leaves nothing behind that would keep the process alive', async () => {
    const counts = () => {
      const found: Record<string, number> = {};
      for (const name of process.getActiveResourcesInfo()) found[name] = (found[name] ?? 0) + 1;
      return found;
    };
    const before = counts();
    const extra = () => Object.entries(counts()).filter(([name, count]) => count > (before[name] ?? 0));
    const setup = await setUp({ listen: { port: 0 } });
    const client = await setup.open();
    await client.request({ command: WRITE, payload: pattern(MIB) });
    assert.notDeepEqual(extra(), []);
    await setup[Symbol.asyncDispose]();
    await setup.until(() => extra().every(([name]) => name === 'Immediate'));
  });
});

describe('a flush that fails at the end', () => {
  const failing = (): { device: ReturnType<typeof createDevice>; heal: () => void } => {
    let broken = true;
    const { device } = recorded({
      flush: () => {
        if (broken) throw new BlockError('UNAVAILABLE', 'the store is away');
      },
    });
    const heal = () => {
      broken = false;
    };
    return { device, heal };
  };

  test('of what a cache has written on is told as well, though nothing of it is dirty now', async () => {
    const { device, heal } = failing();
    const states = () => [{ start: 0, count: 4096, state: 'clean' as const }];
    const setup = await start({ exports: { disk: Object.assign(device, { states }) } });
    await assert.rejects(setup.server.stop(), /export "disk": what was written since the last flush could not be made/);
    heal();
    await setup.server.stop();
  });

  test.each([true, false])('is told, with what is lost; the device goes on (owned: %s)', async (ownsDevices) => {
    const { device, heal } = failing();
    const states = () => [
      { start: 0, count: 8, state: 'dirty' as const },
      { start: 8, count: 4088, state: 'clean' as const },
    ];
    const exports = { good: recorded().device, 'bad "one"': Object.assign(device, { states }) };
    const setup = await start({ exports, ownsDevices });
    await assert.rejects(setup.server.stop(), (error) => {
      assert.ok(isBlockError(error, 'UNAVAILABLE'));
      assert.match(
        error.message,
        /export "bad \\"one\\"": 4096 bytes written and 0 bytes zeroed could not be made durable/,
      );
      assert.match(error.message, /the store is away/);
      return true;
    });
    const lost = setup.events.find(({ type }) => type === 'lost');
    assert.ok(lost?.type === 'lost');
    assert.deepEqual(lost.exports, ['bad "one"']);
    await device.read(0, [new Uint8Array(512)]);
    heal();
    await setup.server.stop();
  });

  test('can be given up by force', async () => {
    const { device } = failing();
    const setup = await start({ device, ownsDevices: true });
    await assert.rejects(setup.server.stop());
    await setup.server.stop({ force: true });
    await assert.rejects(device.read(0, [new Uint8Array(512)]), (error) => isBlockError(error, 'DISCONNECTED'));
  });
});

describe('stop by force', () => {
  test('ends a stop that waits for a device that never answers', async () => {
    const never = new Promise<void>(() => {});
    const { device } = recorded({ read: () => never, flush: () => never });
    const setup = await start({ device, ownsDevices: true });
    const client = await setup.open();
    client.sendRequest({ command: READ, length: 512 });
    await setup.until(() => setup.server.stats().requestsInFlight === 1);
    const stopped = setup.server.stop();
    await setup.server.stop({ force: true });
    await stopped;
    await client.closed;
  });

  test('does not flush', async () => {
    const { device, calls } = recorded();
    const setup = await start({ device, ownsDevices: true });
    await setup.server.stop({ force: true });
    assert.deepEqual(calls, ['disconnect by force']);
  });
});

test('a server can be disposed of', async () => {
  const { device, calls } = recorded();
  const setup = await start({ exports: { disk: device } });
  await setup.server[Symbol.asyncDispose]();
  assert.deepEqual(calls, ['flush']);
});
