import assert from 'node:assert/strict';
import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, createDevice } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { afterEach, describe, test } from 'vitest';
import { MIB, pattern, type Setup, setUp } from '../testing/serve.js';
import { Command, CommandFlag, Errno } from '../wire/protocol.js';

const { READ, WRITE, DISC, FLUSH } = Command;

const setups: Setup[] = [];
afterEach(async () => {
  for (const setup of setups.splice(0)) await setup[Symbol.asyncDispose]();
});
const start = async (options?: Parameters<typeof setUp>[0]): Promise<Setup> => {
  const setup = await setUp(options);
  setups.push(setup);
  return setup;
};
const idle = async (setup: Setup): Promise<void> => {
  await setup.until(() => setup.server.connections === 0);
  const { requestsInFlight, inFlightBytes } = setup.server.stats();
  assert.deepEqual({ requestsInFlight, inFlightBytes }, { requestsInFlight: 0, inFlightBytes: 0 });
};

/** A device in memory whose reads and writes wait until they are let go. */
const gated = async (): Promise<{ device: BlockDevice; waiting: () => number; letGo: () => void }> => {
  const base = await connectMemory({ sizeSectors: (64 * MIB) / 512 });
  let gates: (() => void)[] = [];
  const gate = () => new Promise<void>((resolve) => gates.push(resolve));
  const device = createDevice({
    name: 'gated',
    sectorSize: 512,
    sizeSectors: base.info.sizeSectors,
    atomicSectors: true,
    read: async (at, buffers) => {
      await gate();
      await base.read(at, buffers);
    },
    write: async (at, buffers) => {
      await gate();
      await base.write(at, buffers);
    },
    flush: () => {},
    resize: () => {},
    disconnect: () => {},
  });
  const letGo = () => {
    for (const open of gates.splice(0)) open();
    gates = [];
  };
  return { device, waiting: () => gates.length, letGo };
};

describe('a client that asks for much and reads nothing', () => {
  test('pins its share of memory and no more', async () => {
    const setup = await start();
    const client = await setup.open({ mode: 'simple' });
    client.socket.pause();
    for (let i = 0; i < 32; i++) client.sendRequest({ command: READ, cookie: i, length: 32 * MIB });
    await setup.until(() => setup.server.stats().inFlightBytes === 64 * MIB);
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(setup.server.stats().inFlightBytes, 64 * MIB);
    client.close();
    await idle(setup);
  });

  test('gets everything once it reads', async () => {
    const setup = await start();
    const client = await setup.open({ mode: 'simple' });
    await client.request({ command: WRITE, payload: pattern(32 * MIB) });
    client.socket.pause();
    for (let i = 0; i < 6; i++) client.sendRequest({ command: READ, cookie: i, length: 32 * MIB });
    await setup.until(() => setup.server.stats().inFlightBytes === 64 * MIB);
    client.socket.resume();
    for (let i = 0; i < 6; i++) {
      const { payload } = await client.readReply(32 * MIB);
      assert.ok(payload.equals(pattern(32 * MIB)));
    }
  });

  test('holds up no other client, not even when many of them hold all the memory there is', async () => {
    const limits = {
      maxInFlightBytes: 128 * MIB,
      maxConnectionBytes: 32 * MIB,
      maxRequestBytes: 16 * MIB,
      maxConnections: 20,
    };
    const setup = await start({ limits });
    for (let i = 0; i < 10; i++) {
      const client = await setup.open({ mode: 'simple' });
      client.socket.pause();
      for (let n = 0; n < 8; n++) client.sendRequest({ command: READ, cookie: n, length: 16 * MIB });
    }
    await setup.until(() => setup.server.stats().inFlightBytes > 100 * MIB);
    const polite = await setup.open();
    for (let i = 0; i < 20; i++) {
      assert.equal(await polite.request({ command: WRITE, offset: i * 65_536, payload: pattern(65_536, i) }), 0);
      assert.deepEqual(await polite.readData(i * 65_536, 65_536), pattern(65_536, i));
    }
    assert.ok(setup.server.stats().inFlightBytes <= limits.maxInFlightBytes);
  });

  test('is cut off after a while if others wait for what it holds, and only then', async () => {
    const clock = new ManualClock();
    const limits = { maxInFlightBytes: 64 * MIB, maxConnectionBytes: 32 * MIB, maxConnections: 8 };
    const setup = await start({ clock, limits: { ...limits, stallTimeoutMs: 1000 } });
    const stuck = await setup.open({ mode: 'simple' });
    stuck.socket.pause();
    stuck.sendRequest({ command: READ, length: 32 * MIB });
    await setup.until(() => setup.server.stats().inFlightBytes === 32 * MIB);
    // Until its reply is on the way.
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_000_000);
    assert.equal(setup.server.connections, 1);
    const patient = await setup.open({ mode: 'simple' });
    patient.sendRequest({ command: READ, length: 32 * MIB });
    await patient.readReply(32 * MIB);
    assert.equal(setup.server.connections, 1);
    assert.equal(setup.server.stats().connections.stalled, 1);
  });

  test('has its time before it is cut off', async () => {
    const clock = new ManualClock();
    const limits = {
      maxInFlightBytes: 64 * MIB,
      maxConnectionBytes: 32 * MIB,
      maxConnections: 8,
      stallTimeoutMs: 1000,
    };
    const setup = await start({ clock, limits });
    const slow = await setup.open({ mode: 'simple' });
    slow.socket.pause();
    slow.sendRequest({ command: READ, length: 32 * MIB });
    await setup.until(() => setup.server.stats().inFlightBytes === 32 * MIB);
    const patient = await setup.open({ mode: 'simple' });
    patient.sendRequest({ command: READ, length: 32 * MIB });
    await setup.until(() => setup.server.stats().requestsInFlight === 2);
    clock.advance(999);
    assert.equal(setup.server.stats().connections.stalled, 0);
    slow.socket.resume();
    await slow.readReply(32 * MIB);
    await patient.readReply(32 * MIB);
    clock.advance(100_000);
    assert.equal(setup.server.stats().connections.stalled, 0);
  });

  test('of tiny requests is held back by their number', async () => {
    const setup = await start();
    const client = await setup.open();
    client.socket.pause();
    const flood = Buffer.alloc(28 * 20_000);
    for (let at = 0; at < flood.byteLength; at += 28) {
      flood.writeUInt32BE(0x25609513, at);
      flood.writeUInt16BE(4711, at + 6);
    }
    for (let i = 0; i < 20; i++) client.send(flood);
    await setup.until(() => setup.server.stats().requestsInFlight >= 256);
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(setup.server.stats().requestsInFlight <= 256);
    client.socket.resume();
    for (let i = 0; i < 1000; i++) assert.equal((await client.readReply()).errno, Errno.EINVAL);
    client.close();
    await idle(setup);
  });
});

describe('a client that vanishes', () => {
  test.each([
    ['in the greeting', 0],
    ['in the middle of an option', 10],
  ])('%s leaves nothing behind', async (_, bytes) => {
    const setup = await start();
    const client = await setup.connect();
    await client.greet();
    client.send(Buffer.from('IHAVEOPT\0\0\0\x07\0\0\x01\0').subarray(0, bytes));
    client.close();
    await idle(setup);
  });

  test('in the middle of a payload leaves nothing behind, and nothing of it is written', async () => {
    const setup = await start();
    const client = await setup.open();
    client.sendRequest({ command: WRITE, length: MIB });
    client.send(pattern(MIB - 1));
    await setup.until(() => setup.server.stats().inFlightBytes > 0);
    client.close();
    await idle(setup);
    const found = Buffer.alloc(MIB);
    await setup.device.read(0, [found]);
    assert.ok(found.every((byte) => byte === 0));
  });

  test('while the device is at work is done with when the device is', async () => {
    const { device, waiting, letGo } = await gated();
    const setup = await start({ device });
    const client = await setup.open();
    for (let i = 0; i < 10; i++) client.sendRequest({ command: READ, cookie: i, length: 65_536 });
    for (let i = 0; i < 10; i++)
      client.sendRequest({ command: WRITE, cookie: i, offset: i * MIB, payload: pattern(MIB) });
    await setup.until(() => waiting() === 20);
    client.close();
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(setup.server.stats().inFlightBytes > 0);
    letGo();
    await idle(setup);
  });

  test('with a reset and replies on their way leaves nothing behind', async () => {
    const setup = await start({ listen: { port: 0 } });
    const client = await setup.open({ mode: 'simple' });
    await client.request({ command: WRITE, payload: pattern(16 * MIB) });
    client.socket.pause();
    for (let i = 0; i < 4; i++) client.sendRequest({ command: READ, cookie: i, length: 16 * MIB });
    await setup.until(() => setup.server.stats().requestsInFlight === 4);
    client.socket.resetAndDestroy();
    await idle(setup);
  });
});

describe('a half-closed socket', () => {
  test('still gets the replies to what was sent before', async () => {
    const { device, waiting, letGo } = await gated();
    const setup = await start({ device });
    const client = await setup.open({ mode: 'simple' });
    for (let i = 0; i < 10; i++)
      client.sendRequest({ command: WRITE, cookie: i, offset: i * 512, payload: pattern(512) });
    client.socket.end();
    await setup.until(() => waiting() === 10);
    letGo();
    for (let i = 0; i < 10; i++) assert.equal((await client.readReply()).errno, 0);
    await client.closed;
    await idle(setup);
  });

  test('in the middle of a payload ends it, after the replies to what was there in full', async () => {
    const { device, waiting, letGo } = await gated();
    const setup = await start({ device });
    const client = await setup.open({ mode: 'simple' });
    client.sendRequest({ command: WRITE, cookie: 1, payload: pattern(512) });
    client.sendRequest({ command: WRITE, cookie: 2, length: MIB });
    client.send(pattern(1000));
    client.socket.end();
    await setup.until(() => waiting() === 1);
    letGo();
    assert.equal((await client.readReply()).cookie, 1);
    await client.closed;
    await idle(setup);
  });
});

test('a wrong magic ends this connection and no other', async () => {
  const setup = await start();
  const [bad, good] = [await setup.open(), await setup.open()];
  bad.sendRequest({ command: READ, magic: 0x12560953, length: 512 });
  await bad.closed;
  assert.equal(setup.server.stats().connections.violations, 1);
  assert.equal(await good.request({ command: FLUSH }), 0);
});

test('a client that says goodbye and then does not hang up is hung up on', async () => {
  const clock = new ManualClock();
  const setup = await start({ clock });
  const client = await setup.open();
  client.sendRequest({ command: DISC });
  await client.closed;
  await setup.until(() => clock.timers.length > 0);
  clock.advance(1000);
  await idle(setup);
});

test('request after request, memory stays where it was', async () => {
  const setup = await start();
  const client = await setup.open();
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 64; i++)
      client.sendRequest({ command: WRITE, cookie: i, offset: i * 65_536, payload: pattern(65_536) });
    for (let i = 0; i < 64; i++) assert.equal((await client.readReply()).errno, 0);
  }
  const { inFlightBytes, pooledBytes } = setup.server.stats();
  assert.equal(inFlightBytes, 0);
  assert.ok(pooledBytes <= 64 * MIB);
});

describe('a client that announces more than anybody can send', () => {
  test.each([2 ** 32, 2 ** 53, 2n ** 64n - 1n])(
    'a payload of %s bytes: it is cut off, and its place is free again',
    async (length) => {
      const setup = await start();
      for (let i = 0; i < 3; i++) {
        const client = await setup.open({ mode: 'extended' });
        client.sendRequest({ command: WRITE, flags: CommandFlag.PAYLOAD_LEN, length });
        await client.closed;
      }
      await idle(setup);
      assert.equal(setup.server.stats().connections.violations, 3);
    },
  );
});
