import assert from 'node:assert/strict';
import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDriver, BlockError, type CacheState, createDevice } from '@blockyard/block';
import fc from 'fast-check';
import { afterEach, describe, test } from 'vitest';
import type { GoOptions, RawClient } from '../../testing/raw-client.js';
import { MIB, pattern, type Setup, setUp } from '../../testing/serve.js';
import { Chunk, Command, CommandFlag, Errno, TransmissionFlag } from '../../wire/protocol.js';

const { READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS } = Command;
const { FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO, PAYLOAD_LEN } = CommandFlag;

const setups: Setup[] = [];
afterEach(async () => {
  for (const setup of setups.splice(0)) await setup[Symbol.asyncDispose]();
});
const start = async (options?: Parameters<typeof setUp>[0]): Promise<Setup> => {
  const setup = await setUp(options);
  setups.push(setup);
  return setup;
};
const open = async (options?: Parameters<typeof setUp>[0], go?: GoOptions): Promise<RawClient> =>
  (await start(options)).open(go);

/** A device whose operations are recorded, and replaced where a test says so. */
const recorded = async (overrides: Partial<BlockDriver> = {}, sectorSize = 512) => {
  const base = await connectMemory({ sizeSectors: (8 * MIB) / sectorSize, sectorSize });
  const calls: string[] = [];
  const driver: BlockDriver = {
    name: 'recorded',
    sectorSize,
    sizeSectors: base.info.sizeSectors,
    atomicSectors: true,
    read: (start, buffers) => base.read(start, buffers),
    write: (start, buffers) => {
      calls.push(`write ${start}`);
      return base.write(start, buffers);
    },
    flush: (range) => {
      calls.push(range === undefined ? 'flush' : `flush ${range.start}+${range.count}`);
    },
    resize: () => {},
    disconnect: () => {},
    discard: (start, count) => {
      calls.push(`discard ${start}+${count}`);
      return base.discard(start, count);
    },
    writeZeroes: (start, count) => {
      calls.push(`writeZeroes ${start}+${count}`);
      return base.writeZeroes(start, count);
    },
    extents: (start, count) => base.extents(start, count),
    ...overrides,
  };
  return { device: createDevice(driver), driver, calls };
};

const MODES = ['simple', 'structured', 'extended'] as const;
const writeFlags = (mode: (typeof MODES)[number]) => (mode === 'extended' ? PAYLOAD_LEN : 0);

describe.each(MODES)('with %s replies', (mode) => {
  test.each([512, 4096, 65_536, MIB, 3 * MIB + 512])('what was written is read back: %i bytes', async (length) => {
    const client = await open({}, { mode });
    const data = pattern(length);
    assert.equal(await client.request({ command: WRITE, flags: writeFlags(mode), offset: 1024, payload: data }), 0);
    assert.deepEqual(await client.readData(1024, length), data);
  });

  test('what the device lends is sent as it was, and counts as memory of the client until it is gone', async () => {
    const setup = await start();
    const client = await setup.open({ mode });
    const { device, server } = setup;
    const data = pattern(MIB);
    await device.write(0, [data]);
    let released = 0;
    const lend = device.lend?.bind(device);
    device.lend = (start, count) => {
      const loan = lend?.(start, count);
      // Too late for the client to see it.
      void device.write(start, [pattern(512, 7)]);
      return loan && { views: loan.views, release: () => [loan.release(), released++] };
    };
    assert.deepEqual(await client.readData(0, MIB), data);
    await setup.until(() => server.stats().inFlightBytes === 0);
    assert.equal(released, 1);
  });

  test('what is lent but is a hole, or of another length, is read instead', async () => {
    const setup = await start();
    const client = await setup.open({ mode });
    const data = Buffer.concat([pattern(65_536), Buffer.alloc(65_536), pattern(65_536)]);
    await setup.device.write(0, [data]);
    assert.deepEqual(await client.readData(0, data.byteLength), data);
    let released = 0;
    setup.device.lend = () => ({ views: [new Uint8Array(512)], release: () => released++ });
    assert.deepEqual(await client.readData(0, data.byteLength), data);
    assert.equal(released, 1);
    setup.device.lend = () => {
      throw new Error('lend');
    };
    assert.deepEqual(await client.readData(0, data.byteLength), data);
    assert.equal(setup.server.stats().inFlightBytes, 0);
  });

  test('many writes and reads in flight each get their own answer', async () => {
    const client = await open({}, { mode });
    for (let i = 0; i < 200; i++) {
      const payload = pattern(4096, i + 1);
      client.sendRequest({ command: WRITE, flags: writeFlags(mode), cookie: i, offset: i * 4096, payload });
    }
    const written = new Set<number>();
    while (written.size < 200) {
      const reply = await client.readReply();
      assert.equal(reply.errno, 0);
      written.add(reply.cookie);
    }
    for (let i = 0; i < 200; i++) client.sendRequest({ command: READ, cookie: i, offset: i * 4096, length: 4096 });
    const skip = mode === 'simple' ? 0 : 8;
    for (let i = 0; i < 200; i++) {
      const reply = await client.readReply(4096);
      assert.deepEqual(reply.payload.subarray(skip), pattern(4096, reply.cookie + 1));
      assert.ok(written.delete(reply.cookie));
    }
  });

  test('a cookie comes back as it was sent, all 64 bits of it', async () => {
    const client = await open({}, { mode });
    client.sendRequest({ command: FLUSH, cookie: Number.MAX_SAFE_INTEGER });
    assert.equal((await client.readReply()).cookie, Number.MAX_SAFE_INTEGER);
  });

  test('FUA makes its own range durable before the answer', async () => {
    const { device, calls } = await recorded();
    const client = await open({ device }, { mode });
    const flags = FUA | writeFlags(mode);
    assert.equal(await client.request({ command: WRITE, flags, offset: 512, payload: pattern(1024) }), 0);
    assert.equal(await client.request({ command: WRITE_ZEROES, flags: FUA, offset: 1024, length: 512 }), 0);
    assert.equal(await client.request({ command: TRIM, flags: FUA, offset: 0, length: 512 }), 0);
    assert.deepEqual(calls, ['write 1', 'flush 1+2', 'discard 2+1', 'flush 2+1', 'discard 0+1', 'flush 0+1']);
  });

  test('errors leave the connection as it was', async () => {
    const client = await open({}, { mode });
    const size = client.size;
    const w = writeFlags(mode);
    const refused = async (request: Parameters<RawClient['request']>[0]) => client.request({ length: 512, ...request });
    assert.equal(await refused({ command: READ, offset: size }), Errno.EINVAL);
    assert.equal(await refused({ command: READ, offset: size - 511 }), Errno.EINVAL);
    assert.equal(await refused({ command: READ, length: 64 * MIB }), Errno.EINVAL);
    assert.equal(await refused({ command: READ, offset: 2n ** 64n - 512n }), Errno.EINVAL);
    assert.equal(await refused({ command: READ, flags: NO_HOLE }), Errno.EINVAL);
    assert.equal(await refused({ command: READ, flags: 0x8000 }), Errno.EINVAL);
    assert.equal(await refused({ command: TRIM, offset: size - 512, length: 1024 }), Errno.EINVAL);
    assert.equal(await refused({ command: WRITE_ZEROES, offset: size - 512, length: 1024 }), Errno.ENOSPC);
    assert.equal(await refused({ command: WRITE_ZEROES, flags: DF }), Errno.EINVAL);
    assert.equal(await refused({ command: BLOCK_STATUS }), Errno.EINVAL);
    assert.equal(await refused({ command: 99 }), Errno.EINVAL);
    assert.equal(await refused({ command: 8, offset: 0, length: 0 }), Errno.EINVAL);
    const payload = new Uint8Array(1024);
    assert.equal(await client.request({ command: WRITE, flags: w, offset: size - 512, payload }), Errno.ENOSPC);
    assert.equal(await client.request({ command: WRITE, flags: w | DF, payload }), Errno.EINVAL);
    assert.equal(await client.request({ command: WRITE, flags: w, offset: 2n ** 60n, payload }), Errno.ENOSPC);
    assert.equal(await refused({ command: WRITE_ZEROES, offset: 2n ** 60n }), Errno.ENOSPC);
    assert.equal(await refused({ command: TRIM, offset: 2n ** 60n }), Errno.EINVAL);
    assert.equal(await client.request({ command: WRITE, flags: w, payload: new Uint8Array(40 * MIB) }), Errno.EINVAL);
    assert.equal(await client.request({ command: READ, length: 512 }), 0);
    assert.equal(client.unreadBytes, mode === 'simple' ? 512 : 0);
  });

  test('a length of zero is no error', async () => {
    const client = await open({}, { mode });
    for (const command of [READ, WRITE, TRIM, WRITE_ZEROES]) {
      const flags = command === WRITE ? writeFlags(mode) : 0;
      assert.equal(await client.request({ command, flags, offset: client.size }), 0);
    }
  });

  test('a read-only export refuses every change with EPERM and stays in step', async () => {
    const { device, calls } = await recorded();
    const setup = await start({ exports: { disk: { device, readOnly: true } } });
    const client = await setup.open({ mode });
    const payload = new Uint8Array(4096);
    assert.equal(await client.request({ command: WRITE, flags: writeFlags(mode), payload }), Errno.EPERM);
    assert.equal(await client.request({ command: TRIM, length: 512 }), Errno.EPERM);
    assert.equal(await client.request({ command: WRITE_ZEROES, length: 512 }), Errno.EPERM);
    assert.equal(await client.request({ command: FLUSH }), 0);
    assert.deepEqual(calls, ['flush']);
  });

  test.each([
    ['NO_SPACE', Errno.ENOSPC],
    ['READ_ONLY', Errno.EPERM],
    ['IO', Errno.EIO],
    ['FENCED', Errno.EIO],
    ['TIER_MISSING', Errno.EIO],
    ['TIMEOUT', Errno.EIO],
  ] as const)('a device that fails with %s gives errno %i, for every command', async (code, errno) => {
    const fail = () => {
      throw new BlockError(code, 'secret: /etc/passwd');
    };
    const { device } = await recorded({ read: fail, write: fail, flush: fail, discard: fail, writeZeroes: fail });
    const setup = await start({ device });
    const client = await setup.open({ mode });
    const payload = new Uint8Array(4096);
    assert.equal(await client.request({ command: READ, length: 512 }), errno);
    assert.equal(await client.request({ command: READ, length: 32_768 }), errno);
    assert.equal(await client.request({ command: WRITE, flags: writeFlags(mode), payload }), errno);
    assert.equal(await client.request({ command: FLUSH }), errno);
    assert.equal(await client.request({ command: TRIM, length: 512 }), errno);
    assert.equal(await client.request({ command: WRITE_ZEROES, length: 512 }), errno);
    assert.equal(setup.server.stats().failures, 6);
    assert.equal(setup.events.filter(({ type }) => type === 'failed').length, 6);
    assert.equal(setup.server.stats().inFlightBytes, 0);
  });

  test('a device that throws, or fails with anything at all, gives EIO', async () => {
    const device = await connectMemory({ sizeSectors: 16 });
    const broken = new Proxy(device, {
      get(target, name) {
        if (name === 'info') return target.info;
        if (name === 'read') {
          return () => {
            throw new TypeError('thrown');
          };
        }
        if (name === 'flush') return () => Promise.reject('no error at all');
        return () => Promise.resolve();
      },
    });
    const client = await open({ device: broken }, { mode });
    assert.equal(await client.request({ command: READ, length: 512 }), Errno.EIO);
    assert.equal(await client.request({ command: FLUSH }), Errno.EIO);
  });

  test('requests before DISC are all carried out and answered', async () => {
    const { device, calls } = await recorded();
    const setup = await start({ device });
    const client = await setup.open({ mode });
    for (let i = 0; i < 100; i++) {
      client.sendRequest({
        command: WRITE,
        flags: writeFlags(mode),
        cookie: i,
        offset: i * 512,
        payload: pattern(512),
      });
    }
    client.sendRequest({ command: DISC });
    client.sendRequest({ command: WRITE, flags: writeFlags(mode), payload: pattern(512) });
    for (let i = 0; i < 100; i++) assert.equal((await client.readReply()).errno, 0);
    await client.closed;
    assert.equal(calls.length, 100);
  });
});

describe('READ', () => {
  test('sends holes as holes', async () => {
    const client = await open();
    await client.request({ command: WRITE, offset: 128 * 1024, payload: pattern(65_536) });
    client.sendRequest({ command: READ, offset: 0, length: 512 * 1024 });
    const chunks = [await client.readReply(), await client.readReply(), await client.readReply()];
    assert.deepEqual(
      chunks.map(({ type, done }) => [type, done]),
      [
        [Chunk.OFFSET_HOLE, false],
        [Chunk.OFFSET_DATA, false],
        [Chunk.OFFSET_HOLE, true],
      ],
    );
    assert.equal(chunks[0]?.payload.readUInt32BE(8), 128 * 1024);
    assert.deepEqual(chunks[1]?.payload.subarray(8), pattern(65_536));
    assert.equal(Number(chunks[2]?.payload.readBigUInt64BE(0)), 192 * 1024);
    assert.equal(chunks[2]?.payload.readUInt32BE(8), 320 * 1024);
  });

  test('gives the same bytes however data and zeroes alternate', async () => {
    const device = await connectMemory({ sizeSectors: (8 * MIB) / 512 });
    const setup = await start({ device });
    const structured = await setup.open();
    const extended = await setup.open({ mode: 'extended' });
    const run = fc.record({ sectors: fc.integer({ min: 1, max: 200 }), zero: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 20 }), async (runs) => {
        const bytes = Buffer.concat(
          runs.map(({ sectors, zero }, i) => (zero ? Buffer.alloc(sectors * 512) : pattern(sectors * 512, i))),
        );
        await device.write(0, [bytes]);
        for (const client of [structured, extended]) {
          const found = await client.readData(0, bytes.byteLength);
          assert.ok(Buffer.isBuffer(found) && found.equals(bytes));
        }
      }),
    );
    assert.equal(setup.server.stats().inFlightBytes, 0);
  });

  test('with DF comes in one chunk', async () => {
    const client = await open();
    await client.request({ command: WRITE, offset: 128 * 1024, payload: pattern(65_536) });
    client.sendRequest({ command: READ, flags: DF, offset: 0, length: MIB });
    const reply = await client.readReply();
    assert.equal(reply.type, Chunk.OFFSET_DATA);
    assert.equal(reply.done, true);
    assert.equal(reply.payload.byteLength, MIB + 8);
  });

  test('of nothing but zeroes is a hole, however short, also with DF', async () => {
    const client = await open();
    for (const length of [512, 4096, MIB]) {
      client.sendRequest({ command: READ, flags: DF, offset: 0, length });
      const reply = await client.readReply();
      assert.deepEqual([reply.type, reply.done, reply.payload.readUInt32BE(8)], [Chunk.OFFSET_HOLE, true, length]);
    }
  });

  test('replies come in the order in which they finish', async () => {
    const gates: (() => void)[] = [];
    const read = (): Promise<void> => new Promise((resolve) => gates.push(resolve));
    const { device } = await recorded({ read });
    const setup = await start({ device });
    const client = await setup.open();
    for (let i = 0; i < 64; i++) client.sendRequest({ command: READ, cookie: i, offset: i * 512, length: 512 });
    await setup.until(() => gates.length === 64);
    for (const i of [63, 5, 40]) {
      gates[i]?.();
      assert.equal((await client.readReply()).cookie, i);
    }
    assert.equal(setup.server.stats().requestsInFlight, 61);
    for (const gate of gates) gate();
  });
});

describe('WRITE_ZEROES, TRIM and CACHE', () => {
  test('NO_HOLE keeps the space: where there may be holes, zeroes are written', async () => {
    const { device, calls } = await recorded();
    const client = await open({ device });
    assert.equal(await client.request({ command: WRITE_ZEROES, length: 512 }), 0);
    assert.equal(await client.request({ command: WRITE_ZEROES, flags: NO_HOLE, length: 512 }), 0);
    assert.equal(
      await client.request({ command: WRITE_ZEROES, flags: NO_HOLE | FAST_ZERO, length: 512 }),
      Errno.ENOTSUP,
    );
    assert.equal(await client.request({ command: WRITE_ZEROES, flags: FAST_ZERO, length: 512 }), 0);
    assert.deepEqual(calls, ['discard 0+1', 'write 0', 'discard 0+1']);
  });

  test('NO_HOLE leaves zeroes to the device that knows of no holes', async () => {
    const { driver, calls } = await recorded();
    const { discard: _d, ...rest } = driver;
    const client = await open({ device: createDevice(rest) });
    assert.equal(await client.request({ command: WRITE_ZEROES, flags: NO_HOLE, length: 512 }), 0);
    assert.deepEqual(calls, ['writeZeroes 0+1']);
  });

  test('FAST_ZERO fails at once, changing nothing, where zeroes would be written', async () => {
    const { driver, calls } = await recorded();
    const { discard: _d, writeZeroes: _z, ...rest } = driver;
    const client = await open({ device: createDevice(rest) });
    assert.equal(await client.request({ command: WRITE, payload: pattern(512) }), 0);
    assert.equal(client.flags & TransmissionFlag.SEND_TRIM, 0);
    assert.equal(client.flags & TransmissionFlag.SEND_FAST_ZERO, TransmissionFlag.SEND_FAST_ZERO);
    assert.equal(await client.request({ command: WRITE_ZEROES, flags: FAST_ZERO, length: 512 }), Errno.ENOTSUP);
    assert.deepEqual(calls, ['write 0']);
    assert.equal(await client.request({ command: TRIM, length: 512 }), Errno.EINVAL);
    assert.equal(await client.request({ command: WRITE_ZEROES, length: 512 }), 0);
    assert.deepEqual(calls, ['write 0', 'write 0']);
  });

  test('may be longer than any payload', async () => {
    const device = await connectMemory({ sizeSectors: 2 ** 40, sectorSize: 4096 });
    const client = await open({ device });
    assert.equal(await client.request({ command: WRITE_ZEROES, length: 0xffff_f000 }), 0);
    assert.equal(await client.request({ command: TRIM, offset: 2 ** 51, length: 0xffff_f000 }), 0);
    const extended = await open({ device }, { mode: 'extended' });
    assert.equal(await extended.request({ command: WRITE_ZEROES, length: 2 ** 50 }), 0);
  });

  test('CACHE is offered where the device prefetches, and does it', async () => {
    const prefetched: number[][] = [];
    const base = await connectMemory({ sizeSectors: 1024 });
    const device = Object.assign(base, {
      prefetch: async (start: number, count: number) => {
        prefetched.push([start, count]);
      },
    });
    const client = await open({ device });
    assert.equal(client.flags & TransmissionFlag.SEND_CACHE, TransmissionFlag.SEND_CACHE);
    assert.equal(await client.request({ command: CACHE, offset: 1024, length: 4096 }), 0);
    assert.deepEqual(prefetched, [[2, 8]]);
    const plain = await open();
    assert.equal(plain.flags & TransmissionFlag.SEND_CACHE, 0);
    assert.equal(await plain.request({ command: CACHE, length: 4096 }), 0);
  });
});

describe.each(['structured', 'extended'] as const)('BLOCK_STATUS with %s replies', (mode) => {
  const contexts = ['base:allocation'];

  test('tells holes from data', async () => {
    const client = await open({}, { mode, contexts });
    await client.request({ command: WRITE, flags: writeFlags(mode), offset: 65_536, payload: pattern(65_536) });
    assert.deepEqual(await client.blockStatus('base:allocation', 0, MIB), [
      [65_536, 3],
      [65_536, 0],
      [MIB - 131_072, 3],
    ]);
    assert.deepEqual(await client.blockStatus('base:allocation', 66_048, 512), [[512, 0]]);
  });

  test('REQ_ONE gives exactly one extent, no longer than asked', async () => {
    const client = await open({}, { mode, contexts });
    assert.deepEqual(await client.blockStatus('base:allocation', 512, 1024, REQ_ONE), [[1024, 3]]);
  });

  test('a length of zero is refused: there must be an extent', async () => {
    const client = await open({}, { mode, contexts });
    assert.equal(await client.request({ command: BLOCK_STATUS, length: 0 }), Errno.EINVAL);
  });

  test('those of a client that is gone are no longer looked for', async () => {
    let asked = 0;
    const { device } = await recorded({
      extents: async (start, count) => {
        asked++;
        await new Promise((resolve) => setImmediate(resolve));
        return [{ start, count, type: 'data' }];
      },
    });
    const setup = await start({ device });
    const client = await setup.open({ mode, contexts });
    for (let i = 0; i < 200; i++) client.sendRequest({ command: BLOCK_STATUS, offset: 0, length: 4096 });
    await setup.until(() => asked > 0);
    client.close();
    await setup.until(() => setup.server.connections === 0);
    assert.ok(asked < 100, `${asked} asked for`);
  });

  test('many of them at once are found one after the other, in small steps, and yield to the event loop in between', async () => {
    let running = 0;
    const counts: number[] = [];
    const most: number[] = [];
    const device = createDevice({
      name: 'fine',
      sectorSize: 512,
      sizeSectors: 2 ** 30,
      atomicSectors: true,
      read: () => {},
      write: () => {},
      flush: () => {},
      resize: () => {},
      disconnect: () => {},
      extents: async (start, count) => {
        most.push(++running);
        counts.push(count);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return Array.from({ length: count }, (_, i) => ({
          start: start + i,
          count: 1,
          type: i % 2 === 0 ? ('data' as const) : ('zero' as const),
        }));
      },
    });
    const client = await open({ device }, { mode, contexts });
    for (let i = 0; i < 20; i++) client.sendRequest({ command: BLOCK_STATUS, offset: 0, length: 2 ** 31 });
    const flushed = client.request({ command: FLUSH });
    assert.equal(await flushed, 0);
    assert.ok(counts.length < 20, `${counts.length} answered before a flush that came behind them`);
    assert.equal(Math.max(...most), 1);
    assert.equal(Math.max(...counts), 4096);
  });

  test('a finely divided device is told in parts', async () => {
    const extents = (start: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        start: start + i,
        count: 1,
        type: (start + i) % 2 === 0 ? ('zero' as const) : ('data' as const),
      }));
    const { device } = await recorded({ extents });
    const client = await open({ device }, { mode, contexts });
    const found: [number, number][] = [];
    let at = 0;
    while (at < client.size) {
      const part = await client.blockStatus('base:allocation', at, client.size - at);
      assert.ok(part.length <= 1024);
      for (const [length] of part) at += length;
      found.push(...part);
    }
    assert.equal(found.length, (8 * MIB) / 512);
    assert.ok(found.every(([length, status], i) => length === 512 && status === (i % 2 === 0 ? 3 : 0)));
  });

  test('our own contexts show what is dirty and what is cached', async () => {
    const runs: CacheState[] = [
      { start: 0, count: 8, state: 'absent' },
      { start: 8, count: 8, state: 'dirty' },
      { start: 16, count: 8, state: 'clean' },
      { start: 24, count: 8, state: 'zero' },
    ];
    const device = Object.assign(await connectMemory({ sizeSectors: 32 }), { states: () => runs });
    const names = ['base:allocation', 'x-blockyard:dirty', 'x-blockyard:cached'];
    const client = await open({ device }, { mode, contexts: names });
    const length = 32 * 512;
    assert.deepEqual(await client.blockStatus('x-blockyard:dirty', 0, length), [
      [4096, 0],
      [4096, 1],
      [4096, 0],
      [4096, 1],
    ]);
    assert.deepEqual(await client.blockStatus('x-blockyard:cached', 0, length), [
      [4096, 0],
      [12_288, 1],
    ]);
    assert.deepEqual(await client.blockStatus('base:allocation', 0, length), [[length, 3]]);
  });

  test('a device that cannot tell is all data', async () => {
    const { extents: _, ...rest } = (await recorded()).driver;
    const client = await open({ device: createDevice(rest) }, { mode, contexts });
    assert.deepEqual(await client.blockStatus('base:allocation', 0, MIB), [[MIB, 0]]);
  });
});

describe('extended headers', () => {
  test('a WRITE must say that it has a payload, and nothing else may', async () => {
    const client = await open({}, { mode: 'extended' });
    assert.equal(await client.request({ command: WRITE, length: 512 }), Errno.EINVAL);
    const payload = new Uint8Array(512);
    assert.equal(await client.request({ command: READ, flags: PAYLOAD_LEN, payload }), Errno.EINVAL);
    assert.equal(await client.request({ command: WRITE, flags: PAYLOAD_LEN, payload }), 0);
  });

  test('a length above 2^53 is refused; with a payload it ends the connection', async () => {
    const client = await open({}, { mode: 'extended' });
    assert.equal(await client.request({ command: TRIM, length: 2n ** 63n }), Errno.EINVAL);
    client.sendRequest({ command: WRITE, flags: PAYLOAD_LEN, length: 2n ** 63n });
    await client.closed;
  });
});

describe('several connections', () => {
  test('a flush on one covers what was answered on another', async () => {
    const { device, calls } = await recorded();
    const setup = await start({ device });
    const [a, b] = [await setup.open(), await setup.open()];
    await a.request({ command: WRITE, payload: pattern(512) });
    await b.request({ command: FLUSH });
    assert.deepEqual(calls, ['write 0', 'flush']);
    assert.deepEqual(await b.readData(0, 512), pattern(512));
  });

  test('one more than the limit is closed as it comes', async () => {
    const setup = await start({ limits: { maxConnections: 2 } });
    const first = await setup.open();
    await setup.open();
    const third = await setup.connect();
    await third.closed;
    assert.equal(third.unreadBytes, 0);
    assert.equal(setup.server.stats().connections.refused, 1);
    first.close();
    await setup.until(() => setup.server.connections === 1);
    assert.equal(await (await setup.open()).request({ command: FLUSH }), 0);
  });

  test('after a shrink, what is past the new end is refused', async () => {
    const setup = await start();
    const client = await setup.open();
    await setup.device.resize(1024);
    assert.equal(await client.request({ command: READ, offset: MIB, length: 512 }), Errno.EINVAL);
    assert.equal(await client.request({ command: WRITE, offset: MIB, payload: new Uint8Array(512) }), Errno.ENOSPC);
    assert.equal(await client.request({ command: TRIM, offset: MIB, length: 512 }), Errno.EINVAL);
    assert.equal(await client.request({ command: READ, offset: 0, length: 512 }), 0);
  });
});
