import assert from 'node:assert/strict';
import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, createDevice } from '@blockyard/block';
import { Random } from '@blockyard/conformance/simulator';
import fc from 'fast-check';
import { afterEach, describe, test } from 'vitest';
import type { RawClient } from '../../testing/raw-client.js';
import { pattern, type Setup, setUp } from '../../testing/serve.js';
import { Command, CommandFlag, Errno, Option } from '../../wire/protocol.js';
import { ByteAccess } from './byte-access.js';

const { READ, WRITE, TRIM, WRITE_ZEROES, CACHE } = Command;
const { FUA, REQ_ONE } = CommandFlag;
const SECTOR = 4096;

const setups: Setup[] = [];
afterEach(async () => {
  for (const setup of setups.splice(0)) await setup[Symbol.asyncDispose]();
});
const start = async (device: BlockDevice): Promise<Setup> => {
  const setup = await setUp({ device });
  setups.push(setup);
  return setup;
};
const contentOf = async (device: BlockDevice): Promise<Buffer> => {
  const { sizeSectors, sectorSize } = device.info;
  const found = Buffer.alloc(sizeSectors * sectorSize);
  await device.read(0, [found]);
  return found;
};

type Act = 'read' | 'write' | 'discard' | 'writeZeroes' | 'flush';

/** Eight sectors of memory; each operation waits for `before`, and changes or reads at one moment what it is about. */
const watched = async (before: (act: Act, start: number) => Promise<void>): Promise<BlockDevice> => {
  const base = await connectMemory({ sizeSectors: 8, sectorSize: SECTOR });
  return createDevice({
    name: 'watched',
    sectorSize: SECTOR,
    sizeSectors: 8,
    atomicSectors: true,
    read: async (at, buffers) => {
      await before('read', at);
      await base.read(at, buffers);
    },
    write: async (at, buffers) => {
      await before('write', at);
      await base.write(at, buffers);
    },
    discard: async (at, count) => {
      await before('discard', at);
      await base.discard(at, count);
    },
    writeZeroes: async (at, count) => {
      await before('writeZeroes', at);
      await base.writeZeroes(at, count);
    },
    extents: (at, count) => base.extents(at, count),
    flush: async (range) => before('flush', range?.start ?? -1),
    resize: (sizeSectors) => base.resize(sizeSectors),
    disconnect: () => {},
  });
};

/** The same, whose calls wait until they are let go. */
const held = async () => {
  let calls: { readonly call: string; readonly go: () => void }[] = [];
  const device = await watched((act, at) => new Promise((go) => calls.push({ call: `${act} ${at}`, go })));
  return {
    device,
    calls: () => calls.map(({ call }) => call),
    go: () => {
      const before = calls;
      calls = [];
      for (const { go } of before) go();
    },
  };
};

describe('a client that never asks for block sizes', () => {
  test('reads and writes what it likes of a device with sectors of 4,096 bytes', async () => {
    const device = await connectMemory({ sizeSectors: 8, sectorSize: SECTOR });
    const content = pattern(8 * SECTOR);
    await device.write(0, [content]);
    const client = await (await start(device)).connect();
    await client.greet();
    client.sendOption(Option.EXPORT_NAME, Buffer.from('disk'));
    await client.read(10);
    const ranges = [
      [0, 1],
      [1, 512],
      [0, 512],
      [512, 4096],
      [100, 9],
      [1024, 1024],
      [4000, 20_000],
      [32_767, 1],
    ] as const;
    for (const [offset, length] of ranges) {
      assert.deepEqual(await client.readData(offset, length), content.subarray(offset, offset + length));
    }
    for (const [offset, length] of ranges) {
      const payload = pattern(length + 4, offset + 7).subarray(0, length);
      assert.equal(await client.request({ command: WRITE, offset, payload }), 0);
      payload.copy(content, offset);
      assert.ok((await contentOf(device)).equals(content), `${length} bytes at ${offset}`);
    }
  });
});

describe('a part of a sector', () => {
  test('is zeroed to the byte, and what is only let go is left alone at the edges', async () => {
    const device = await connectMemory({ sizeSectors: 8, sectorSize: SECTOR });
    const client = await (await start(device)).open();
    const content = pattern(8 * SECTOR);
    await device.write(0, [content]);
    for (const [offset, length] of [
      [5, 10],
      [4000, 200],
      [4090, 3 * SECTOR],
      [SECTOR, SECTOR + 1],
      [1, SECTOR - 1],
    ] as const) {
      assert.equal(await client.request({ command: WRITE_ZEROES, offset, length }), 0);
      content.fill(0, offset, offset + length);
      assert.ok((await contentOf(device)).equals(content), `${length} bytes at ${offset}`);
    }
    assert.equal(await client.request({ command: TRIM, offset: 5 * SECTOR + 1, length: 2 * SECTOR }), 0);
    assert.equal(await client.request({ command: TRIM, offset: 7 * SECTOR + 1, length: 100 }), 0);
    content.fill(0, 6 * SECTOR, 7 * SECTOR);
    assert.ok((await contentOf(device)).equals(content));
  });

  test('has the status of its sector, and no longer an extent than was asked for', async () => {
    const device = await connectMemory({ sizeSectors: 8, sectorSize: 65_536 });
    await device.write(1, [pattern(65_536)]);
    const client = await (await start(device)).open({ contexts: ['base:allocation'] });
    const status = (offset: number, length: number, flags = 0) => {
      return client.blockStatus('base:allocation', offset, length, flags);
    };
    assert.deepEqual(await status(65_000, 70_000), [
      [536, 3],
      [65_536, 0],
      [3928, 3],
    ]);
    assert.deepEqual(await status(65_000, 70_000, REQ_ONE), [[536, 3]]);
    assert.deepEqual(await status(70_000, 3), [[3, 0]]);
    assert.equal(await client.request({ command: CACHE, offset: 5000, length: 3 }), 0);
  });

  test('with FUA is durable when it is answered', async () => {
    const seen: string[] = [];
    const device = await watched(async (act, at) => {
      seen.push(`${act} ${at}`);
    });
    const client = await (await start(device)).open();
    assert.equal(await client.request({ command: WRITE, flags: FUA, offset: 4090, payload: pattern(12) }), 0);
    assert.deepEqual(seen, ['read 0', 'read 1', 'write 0', 'flush 0']);
  });

  test('and its neighbours can be written at once, over several connections', async () => {
    const { device, calls, go } = await held();
    const setup = await start(device);
    const clients = await Promise.all([setup.open(), setup.open(), setup.open()]);
    for (const [index, client] of clients.entries()) {
      client.sendRequest({ command: WRITE, offset: 100 + 10 * index, payload: pattern(10 + 2, index).subarray(0, 10) });
    }
    for (let step = 0; step < 6; step++) {
      await setup.until(() => calls().length > 0);
      assert.equal(calls().length, 1, `one of them is at the sector: ${calls()}`);
      go();
    }
    for (const client of clients) assert.equal((await client.readReply()).errno, 0);
    const found = contentOf(device);
    go();
    for (const index of clients.keys()) {
      const at = 100 + 10 * index;
      assert.deepEqual((await found).subarray(at, at + 10), pattern(12, index).subarray(0, 10));
    }
  });

  test('written while its whole sector is on the way does not bring back what was there before', async () => {
    const { device, calls, go } = await held();
    const setup = await start(device);
    const [whole, part] = [await setup.open(), await setup.open()];
    whole.sendRequest({ command: WRITE, payload: pattern(2 * SECTOR) });
    await setup.until(() => calls().length === 1);
    part.sendRequest({ command: WRITE, offset: SECTOR + 5, payload: Buffer.from('new') });
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(calls(), ['write 0']);
    go();
    assert.equal((await whole.readReply()).errno, 0);
    await setup.until(() => calls().length === 1);
    assert.deepEqual(calls(), ['read 1']);
    // And the other way round: a whole sector that comes now waits.
    whole.sendRequest({ command: WRITE, offset: SECTOR, payload: Buffer.alloc(SECTOR, 9) });
    whole.sendRequest({ command: WRITE, cookie: 2, offset: 2 * SECTOR, payload: Buffer.alloc(SECTOR, 8) });
    await setup.until(() => calls().length === 2);
    assert.deepEqual(calls(), ['read 1', 'write 2']);
    go();
    await setup.until(() => calls().length === 1);
    assert.deepEqual(calls(), ['write 1']);
    go();
    await setup.until(() => calls().length === 1);
    go();
    for (let i = 0; i < 2; i++) assert.equal((await whole.readReply()).errno, 0);
    const found = contentOf(device);
    go();
    assert.ok((await found).subarray(SECTOR, 2 * SECTOR).every((byte) => byte === 9));
  });

  test('is merged with the zeroes of a sector that was cut off and came back meanwhile', async () => {
    const base = await connectMemory({ sizeSectors: 8, sectorSize: SECTOR });
    await base.write(4, [Buffer.alloc(SECTOR, 7)]);
    let reads = 0;
    const device = {
      get info() {
        return base.info;
      },
      write: (at: number, buffers: readonly Uint8Array[]) => base.write(at, buffers),
      read: async (at: number, buffers: readonly Uint8Array[]) => {
        await base.read(at, buffers);
        if (reads++ > 0) return;
        await base.resize(4);
        await base.resize(8);
      },
    } as unknown as BlockDevice;
    const access = new ByteAccess(device, { isWanted: () => true, pauses: () => () => undefined });
    await access.write({ place: undefined }, 4 * SECTOR + 1, Buffer.from('x'));
    const found = (await contentOf(base)).subarray(4 * SECTOR, 5 * SECTOR);
    assert.deepEqual(found, Buffer.alloc(SECTOR).fill('x', 1, 2));
  });

  test('past the end of a device that has shrunk is an error, and harms nothing', async () => {
    const device = await connectMemory({ sizeSectors: 8, sectorSize: SECTOR });
    const client = await (await start(device)).open();
    await device.resize(4);
    assert.equal(await client.request({ command: WRITE, offset: 4 * SECTOR - 1, payload: pattern(8) }), Errno.ENOSPC);
    assert.equal(await client.readData(4 * SECTOR + 1, 3), Errno.EINVAL);
    assert.ok((await contentOf(device)).every((byte) => byte === 0));
    assert.equal(await client.request({ command: WRITE, offset: 4 * SECTOR - 9, payload: pattern(8) }), 0);
  });
});

/** What one request does to the bytes from `offset` on. */
interface Step {
  readonly command: number;
  readonly client: number;
  readonly offset: number;
  readonly length: number;
}

const SIZE = 8 * SECTOR;
const CLIENTS = 3;
/** Around the edges of sectors, where things go wrong, or anywhere. */
const position = fc.oneof(
  fc.tuple(fc.nat(8), fc.integer({ min: -3, max: 3 })).map(([n, by]) => Math.min(SIZE, Math.max(0, n * SECTOR + by))),
  fc.nat(SIZE),
);
const step = fc
  .record({
    command: fc.constantFrom(READ, WRITE, WRITE, WRITE, WRITE_ZEROES, TRIM),
    client: fc.nat(CLIENTS - 1),
    from: position,
    to: position,
  })
  .map(({ command, client, from, to }) => {
    return { command, client, offset: Math.min(from, to), length: Math.abs(to - from) };
  });

test('requests that overlap, at once over several connections, leave each byte as one of them wants it', {
  timeout: 60_000,
}, async () => {
  const property = fc.asyncProperty(
    fc.integer(),
    fc.array(fc.array(step, { minLength: 1, maxLength: 10 }), { maxLength: 5 }),
    async (seed, rounds) => {
      const random = new Random(seed);
      const device = await watched(async () => {
        for (let n = random.below(4); n > 0; n--) await new Promise((resolve) => setImmediate(resolve));
      });
      const setup = await setUp({ device });
      try {
        const clients = await Promise.all(Array.from({ length: CLIENTS }, () => setup.open({ mode: 'simple' })));
        let model: Buffer = Buffer.alloc(SIZE);
        for (const [number, steps] of rounds.entries()) model = await playRound(clients, device, model, steps, number);
      } finally {
        await setup[Symbol.asyncDispose]();
      }
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

/** Sends all at once. What each byte may be: what it was if nothing changes it, else what one of the changes makes of it. */
async function playRound(clients: RawClient[], device: BlockDevice, model: Buffer, steps: Step[], round: number) {
  const fillOf = (index: number) => 1 + ((round * 10 + index) % 250);
  const reads: { readonly offset: number; readonly bytes: Buffer }[] = [];
  const waits = clients.map(async (client, own) => {
    const mine = [...steps.entries()].filter(([, { client }]) => client === own);
    for (const [index, { command, offset, length }] of mine) {
      const payload = command === WRITE ? { payload: Buffer.alloc(length, fillOf(index)) } : {};
      client.sendRequest({ command, cookie: index, offset, length, ...payload });
    }
    for (const _ of mine) {
      const head = await client.read(16);
      assert.equal(head.readUInt32BE(4), 0);
      const request = steps[Number(head.readBigUInt64BE(8))];
      if (request?.command !== READ) continue;
      reads.push({ offset: request.offset, bytes: Buffer.from(await client.read(request.length)) });
    }
  });
  await Promise.all(waits);
  const after = await contentOf(device);
  const allowed = (at: number, value: number, whileUnderWay: boolean) => {
    const changes = steps.flatMap(({ command, offset, length }, index) => {
      if (command === READ || at < offset || at >= offset + length) return [];
      if (command === WRITE) return [fillOf(index)];
      return command === TRIM ? [0, model[at]] : [0];
    });
    if (changes.length === 0 || whileUnderWay) changes.push(model[at]);
    return changes.includes(value);
  };
  for (let at = 0; at < SIZE; at++) {
    assert.ok(allowed(at, after[at] ?? -1, false), `byte ${at} is ${after[at]} after round ${round}`);
  }
  for (const { offset, bytes } of reads) {
    for (const [index, value] of bytes.entries()) {
      assert.ok(allowed(offset + index, value, true), `byte ${offset + index} was read as ${value} in round ${round}`);
    }
  }
  return after;
}
