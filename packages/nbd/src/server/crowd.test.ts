import assert from 'node:assert/strict';
import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { ManualClock, macrotasks } from '@blockyard/block/testing';
import { afterEach, describe, test } from 'vitest';
import type { RawClient } from '../testing/raw-client.js';
import { MIB, pattern, type Setup, setUp } from '../testing/serve.js';
import { Command, CommandFlag, Errno, Option } from '../wire/protocol.js';

/** What others feel of clients that take much, give nothing, or come in crowds. */

const { READ, WRITE, FLUSH, BLOCK_STATUS } = Command;
const { DF, FUA, PAYLOAD_LEN } = CommandFlag;

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

/** 64 MiB for eight clients: 2 for each, and 48 that all share. */
const LIMITS = { maxInFlightBytes: 64 * MIB, maxConnectionBytes: 32 * MIB, maxConnections: 8 };

/** Two clients that have announced payloads, and keep all but 4 MiB of what is shared without sending them. */
const crowded = async (options: Parameters<typeof setUp>[0] = {}): Promise<Setup & { greedy: RawClient[] }> => {
  const setup = await start({ limits: LIMITS, ...options });
  const greedy: RawClient[] = [];
  for (const length of [32 * MIB, 16 * MIB]) {
    const client = await setup.open();
    client.sendRequest({ command: WRITE, length });
    client.send(pattern(1000));
    greedy.push(client);
  }
  await setup.until(() => setup.server.stats().inFlightBytes === 48 * MIB);
  return Object.assign(setup, { greedy });
};

/** Memory whose operations on the sectors from `failsFrom` on fail; `reads` and `writes` are bytes of each call. */
const brittle = async (failsFrom = Number.POSITIVE_INFINITY) => {
  const base = await connectMemory({ sizeSectors: (64 * MIB) / 512 });
  const [reads, writes]: [number[], number[]] = [[], []];
  const run = async (list: number[], at: number, buffers: readonly Uint8Array[], go: () => Promise<void>) => {
    const bytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
    list.push(bytes);
    await macrotasks(1);
    if (at + bytes / 512 > failsFrom) throw new BlockError('IO', 'the medium is damaged');
    await go();
  };
  const device = createDevice({
    name: 'brittle',
    sectorSize: 512,
    sizeSectors: base.info.sizeSectors,
    atomicSectors: true,
    read: (at, buffers) => run(reads, at, buffers, () => base.read(at, buffers)),
    write: (at, buffers) => run(writes, at, buffers, () => base.write(at, buffers)),
    flush: () => {},
    resize: () => {},
    disconnect: () => {},
  });
  return { device, reads, writes };
};
const contentOf = async (device: BlockDevice, lengthBytes: number): Promise<Buffer> => {
  const found = Buffer.alloc(lengthBytes);
  await device.read(0, [found]);
  return found;
};

describe('while others keep the memory', () => {
  test.each(['simple', 'structured', 'extended'] as const)(
    'large requests pass in pieces, with %s replies',
    async (mode) => {
      const setup = await crowded();
      const client = await setup.open({ mode });
      const flags = mode === 'extended' ? PAYLOAD_LEN : 0;
      const payload = pattern(12 * MIB);
      assert.equal(await client.request({ command: WRITE, flags: flags | FUA, payload }), 0);
      assert.ok((await contentOf(setup.device, 12 * MIB)).equals(payload));
      assert.ok(payload.equals((await client.readData(0, 12 * MIB)) as Buffer));
      const part = payload.subarray(12_345, 12_345 + 9 * MIB + 1);
      assert.equal(await client.request({ command: WRITE, flags, offset: 40 * MIB + 7, payload: part }), 0);
      assert.ok(part.equals((await client.readData(40 * MIB + 7, part.byteLength)) as Buffer));
      if (mode !== 'simple') assert.ok(payload.equals((await client.readData(0, 12 * MIB, DF)) as Buffer));
      assert.equal(setup.server.stats().inFlightBytes, 48 * MIB);
    },
  );

  test('no client takes more than its piece, and what a device keeps as one is not cut up', async () => {
    const { device, reads, writes } = await brittle();
    const setup = await crowded({ device });
    const client = await setup.open();
    await client.request({ command: WRITE, offset: MIB / 2, payload: pattern(8 * MIB) });
    await client.readData(MIB / 2, 8 * MIB);
    const expected = [MIB / 2, ...Array.from({ length: 7 }, () => MIB), MIB / 2];
    assert.deepEqual([writes, reads], [expected, expected]);
  });

  test('a reply in pieces is not mixed with others of its connection', async () => {
    const setup = await crowded();
    await setup.device.write(0, [pattern(16 * MIB)]);
    const client = await setup.open({ mode: 'simple' });
    const lengths = [512, 16 * MIB, 4096, 16 * MIB, 512, 65_536];
    for (const [cookie, length] of lengths.entries()) client.sendRequest({ command: READ, cookie, length });
    for (let replies = 0; replies < lengths.length; replies++) {
      const head = await client.read(16);
      assert.deepEqual([head.readUInt32BE(0), head.readUInt32BE(4)], [0x67446698, 0]);
      const length = lengths[Number(head.readBigUInt64BE(8))] ?? 0;
      assert.ok(
        pattern(16 * MIB)
          .subarray(0, length)
          .equals(await client.read(length)),
      );
    }
    assert.equal(client.unreadBytes, 0);
  });

  test('a read that fails in the middle is told, or ends the connection where that can no longer be told', async () => {
    const { device } = await brittle((8 * MIB) / 512);
    const setup = await crowded({ device });
    const structured = await setup.open({ mode: 'structured' });
    assert.equal(await structured.readData(0, 16 * MIB), Errno.EIO);
    assert.equal(await structured.request({ command: FLUSH }), 0);
    const simple = await setup.open({ mode: 'simple' });
    assert.equal(await simple.readData(8 * MIB, 16 * MIB), Errno.EIO);
    assert.equal(await simple.request({ command: FLUSH }), 0);
    await assert.rejects(simple.readData(0, 16 * MIB), /hung up/);
    for (const client of [structured, ...setup.greedy]) client.close();
    await idle(setup);
  });

  test('a write that fails in the middle is told, and the rest of it is dropped', async () => {
    const { device } = await brittle((8 * MIB) / 512);
    const client = await (await crowded({ device })).open();
    assert.equal(await client.request({ command: WRITE, payload: pattern(16 * MIB) }), Errno.EIO);
    assert.equal(await client.request({ command: WRITE, payload: pattern(16 * MIB).subarray(0, 4 * MIB) }), 0);
    assert.ok((await contentOf(device, 4 * MIB)).equals(pattern(4 * MIB)));
  });

  test.each([
    ['reads', READ],
    ['writes', WRITE],
  ])('a client that vanishes while one of its %s passes leaves nothing behind', async (_, command) => {
    const { device, reads, writes } = await brittle();
    const setup = await crowded({ device });
    const client = await setup.open();
    client.socket.pause();
    client.sendRequest({ command, length: 32 * MIB });
    if (command === WRITE) client.send(pattern(3 * MIB));
    await setup.until(() => reads.length + writes.length > 0);
    for (const one of [client, ...setup.greedy]) one.close();
    await idle(setup);
  });
});

describe('a payload that comes too slowly', () => {
  test('costs its client the connection while others are short, and only then', async () => {
    const clock = new ManualClock();
    const setup = await crowded({ clock, limits: { ...LIMITS, stallTimeoutMs: 1000 } });
    const patient = await setup.open();
    const [slow, steady] = setup.greedy;
    const ask = async () => assert.equal(await patient.request({ command: READ, length: 16 * MIB, flags: DF }), 0);
    const stalled = () => setup.server.stats().connections.stalled;
    for (let i = 0; i < 10; i++) clock.advance(1000);
    assert.equal(stalled(), 0);
    for (let i = 0; i < 3; i++) {
      await ask();
      slow?.send(pattern(1));
      steady?.send(pattern(512 * 1024));
      await macrotasks(50);
      clock.advance(500);
    }
    await ask();
    await setup.until(() => setup.server.connections === 2);
    assert.equal(stalled(), 1);
    await slow?.closed;
  });
});

describe('requests of a client that is gone', () => {
  test('are not carried out, whatever was queued', async () => {
    const { device, reads } = await brittle();
    const setup = await start({ device });
    for (let i = 0; i < 4; i++) {
      const client = await setup.open({ mode: 'simple' });
      client.socket.pause();
      for (let n = 0; n < 16; n++) client.sendRequest({ command: READ, cookie: n, length: 32 * MIB });
      await setup.until(() => setup.server.stats().inFlightBytes === 64 * MIB);
      await macrotasks(200);
      const begun = reads.length;
      client.close();
      await idle(setup);
      assert.ok(reads.length - begun <= 1, `${reads.length - begun} reads for no one`);
    }
  });
});

describe('a crowd', () => {
  test('of requests that cost little waits between those of others', async () => {
    const setup = await start();
    const [rude, polite] = [await setup.open(), await setup.open()];
    const flood = Buffer.alloc(28 * 9000);
    for (let at = 0; at < flood.byteLength; at += 28) {
      flood.writeUInt32BE(0x25609513, at);
      flood.writeUInt16BE(4711, at + 6);
    }
    const taken = () => setup.server.stats().requests.unknown;
    for (let i = 0; i < 4; i++) rude.send(flood);
    await setup.until(() => taken() > 0);
    for (let i = 0; i < 20 && taken() < 36_000; i++) {
      const before = taken();
      assert.equal(await polite.request({ command: FLUSH }), 0);
      assert.ok(taken() - before < 2500, `${taken() - before} went before it`);
    }
  });

  test('of options takes an iteration of the event loop for each', async () => {
    const setup = await start();
    const client = await setup.connect();
    await client.greet();
    let looked = 0;
    let immediate = setImmediate(function look() {
      looked++;
      immediate = setImmediate(look);
    });
    for (let i = 0; i < 500; i++) client.sendOption(Option.LIST);
    for (let i = 0; i < 500; i++) {
      await client.readOptionReply();
      await client.readOptionReply();
    }
    clearImmediate(immediate);
    assert.ok(looked >= 500, `${looked} macrotasks`);
  });

  test('of block statuses is answered one in each macrotask, whichever client asks', async () => {
    const setup = await start();
    const clients: RawClient[] = [];
    for (let i = 0; i < 10; i++) clients.push(await setup.open({ contexts: ['base:allocation'] }));
    let looked = 0;
    let immediate = setImmediate(function look() {
      looked++;
      immediate = setImmediate(look);
    });
    for (const client of clients) {
      for (let i = 0; i < 20; i++) client.sendRequest({ command: BLOCK_STATUS, length: 64 * MIB });
    }
    for (const client of clients) for (let i = 0; i < 20; i++) assert.equal((await client.readReply()).errno, 0);
    clearImmediate(immediate);
    assert.ok(looked >= 200, `${looked} macrotasks`);
  });

  test('in the handshake makes room for those who come, the oldest first; clients with an export stay', async () => {
    const setup = await start({ limits: { maxConnections: 3 } });
    const settled = await setup.open();
    const [first, second] = [await setup.connect(), await setup.connect()];
    await setup.until(() => setup.server.connections === 3);
    const third = await setup.open();
    await first.closed;
    const fourth = await setup.open();
    await second.closed;
    for (const client of [settled, third, fourth]) assert.equal(await client.request({ command: FLUSH }), 0);
    const late = await setup.connect();
    await late.closed;
    const { displaced, refused, open } = setup.server.stats().connections;
    assert.deepEqual({ displaced, refused, open }, { displaced: 2, refused: 1, open: 3 });
  });

  test('that stands still with half a message makes room after a while for those who are turned away', async () => {
    const clock = new ManualClock();
    const setup = await start({ clock, limits: { maxConnections: 1, stallTimeoutMs: 1000 } });
    const half = await setup.open();
    half.send(Buffer.from([0x25, 0x60, 0x95]));
    await macrotasks(20);
    for (let i = 0; i < 2; i++) {
      await (await setup.connect()).closed;
      clock.advance(500);
    }
    assert.equal(setup.server.stats().connections.stalled, 0);
    await (await setup.connect()).closed;
    await half.closed;
    await setup.until(() => setup.server.connections === 0);
    assert.equal(await (await setup.open()).request({ command: FLUSH }), 0);
  });
});
