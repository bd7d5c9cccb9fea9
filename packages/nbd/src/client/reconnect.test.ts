import assert from 'node:assert/strict';
import { join } from 'node:path';
import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, type BlockErrorCode, createDevice, isBlockError } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { afterEach, describe, test } from 'vitest';
import { serveNbd } from '../server/server.js';
import * as pem from '../testing/certificates.js';
import { CutLine } from '../testing/line.js';
import { MIB, pattern, type Setup, setUp, until } from '../testing/serve.js';
import { connectNbd } from './connect.js';
import type { NbdOptions } from './options.js';

interface Line {
  readonly setup: Setup;
  readonly proxy: CutLine;
  readonly device: BlockDevice;
}

const lines: Line[] = [];
const others: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const { device, proxy, setup } of lines.splice(0)) {
    await device.disconnect({ force: true });
    proxy.stop();
    await setup[Symbol.asyncDispose]();
  }
  for (const end of others.splice(0)) await end();
});

/** A client that reaches the server through a line that can be cut. */
const start = async (options: NbdOptions = {}, served: Parameters<typeof setUp>[0] = {}): Promise<Line> => {
  const setup = await setUp(served);
  const { address } = setup.server;
  assert.ok('path' in address);
  const proxy = await CutLine.start(join(setup.folder, 'proxy'), address.path);
  const device = await connectNbd(uriOf(proxy), { connections: 1, ...options });
  const line = { setup, proxy, device };
  lines.push(line);
  return line;
};
const uriOf = (proxy: CutLine) => `nbd+unix:///?socket=${proxy.path}`;
const code = (expected: BlockErrorCode) => (error: unknown) => isBlockError(error) && error.code === expected;
const write = (device: BlockDevice, start = 0, seed = 1) => device.write(start, [pattern(4096, seed)]);
const read = async (device: BlockDevice, start = 0) => {
  const found = Buffer.alloc(4096);
  await device.read(start, [found]);
  return found;
};

/** A device in memory that holds back its answers until it is told. */
const held = async () => {
  const base = await connectMemory({ sizeSectors: (64 * MIB) / 512 });
  const gates: (() => void)[] = [];
  let holding = true;
  const gate = () => (holding ? new Promise<void>((resolve) => gates.push(resolve)) : undefined);
  const device = createDevice({
    name: 'held',
    sectorSize: 512,
    sizeSectors: base.info.sizeSectors,
    read: async (at, buffers) => {
      await gate();
      await base.read(at, buffers);
    },
    write: async (at, buffers) => {
      await gate();
      await base.write(at, buffers);
    },
    flush: async () => {
      await gate();
    },
    resize: () => {},
    disconnect: () => {},
  });
  const letGo = () => {
    holding = false;
    for (const open of gates.splice(0)) open();
  };
  return { device, waiting: () => gates.length, letGo };
};

describe('a lost connection', () => {
  test('is made again, and what was not answered is sent again', async () => {
    const { device: base, waiting, letGo } = await held();
    const { device, proxy } = await start({}, { device: base });
    const writes = Array.from({ length: 20 }, (_, i) => write(device, i * 8, i + 1));
    await until(() => waiting() === 20);
    proxy.cut();
    letGo();
    await Promise.all(writes);
    for (let i = 0; i < 20; i++) assert.deepEqual(await read(device, i * 8), pattern(4096, i + 1));
    assert.equal(proxy.taken, 2);
  });

  test('in the middle of a large read fills every byte in the end', async () => {
    const { device, proxy } = await start();
    await device.write(0, [pattern(8 * MIB)]);
    let seenBytes = 0;
    proxy.onReply = (bytes) => {
      seenBytes += bytes.byteLength;
      if (seenBytes < 3 * MIB) return true;
      seenBytes = Number.NEGATIVE_INFINITY;
      proxy.cut();
      return false;
    };
    const found = Buffer.alloc(8 * MIB);
    await device.read(0, [found]);
    assert.ok(found.equals(pattern(8 * MIB)));
    assert.equal(proxy.taken, 2);
  });

  test('when nothing is under way is found out by the next request, which takes no harm', async () => {
    const { device, proxy } = await start();
    await write(device);
    await device.flush();
    proxy.cut();
    assert.deepEqual(await read(device), pattern(4096));
  });

  test('of several leaves the work to the others, and the number comes back', async () => {
    const { device, proxy } = await start({ connections: 4 });
    assert.equal(proxy.connections, 4);
    proxy.cutOne();
    await write(device);
    assert.deepEqual(await read(device), pattern(4096));
    await device.flush();
    await until(() => proxy.connections === 4);
  });

  test('counts once with all that were made before it, one of which fell after the other', async () => {
    const { device: base, waiting, letGo } = await held();
    const { device, proxy } = await start({ connections: 16 }, { device: base });
    assert.equal(proxy.connections, 16);
    const reading = read(device);
    await until(() => waiting() === 1);
    proxy.open = false;
    for (let sent = 2; sent <= 14; sent++) {
      proxy.cutOne();
      await until(() => waiting() === sent);
    }
    letGo();
    assert.deepEqual(await reading, Buffer.alloc(4096));
  });

  test('within the TLS handshake is no refusal: UNAVAILABLE where it broke, TIMEOUT where nothing came', async () => {
    const { proxy } = await start({}, {});
    const secured = await setUp({ tls: { cert: pem.SERVER_CERT, key: pem.SERVER_KEY } });
    others.push(() => secured[Symbol.asyncDispose]());
    const { address } = secured.server;
    assert.ok('path' in address);
    proxy.target = address.path;
    const connect = (connectTimeoutMs: number) =>
      connectNbd(`nbds+unix:///?socket=${proxy.path}`, { connectTimeoutMs, tls: { ca: pem.CA } });
    let replies = 0;
    // The greeting and the leave to begin are let through, the server's part of the handshake is not.
    proxy.onReply = () => ++replies <= 2;
    await assert.rejects(connect(300), code('TIMEOUT'));
    replies = 0;
    proxy.onReply = () => {
      if (++replies > 2) proxy.cut();
      return replies <= 2;
    };
    await assert.rejects(connect(10_000), code('UNAVAILABLE'));
    proxy.onReply = () => true;
    await assert.rejects(
      connectNbd(`nbds+unix:///?socket=${proxy.path}`, { tls: { ca: pem.CLIENT_CERT } }),
      code('ACCESS_DENIED'),
    );
  });

  test('that does not come back in time fails the requests with UNAVAILABLE; later ones try anew', async () => {
    const clock = new ManualClock();
    const { device, proxy } = await start({ clock, maxOutageMs: 5000 });
    proxy.open = false;
    proxy.cut();
    let failed = false;
    const lost = assert.rejects(read(device), code('UNAVAILABLE')).then(() => {
      failed = true;
    });
    while (!failed) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(500);
    }
    await lost;
    proxy.open = true;
    assert.deepEqual(await read(device), Buffer.alloc(4096));
  });

  test('fails the requests at once where no time is given', async () => {
    const { device, proxy } = await start({ maxOutageMs: 0 });
    proxy.open = false;
    proxy.cut();
    await assert.rejects(read(device), code('UNAVAILABLE'));
    const message = await read(device).then(String, (error: Error) => error.message);
    assert.equal(message.match(/ on /g)?.length, 1, message);
  });

  test('to a server that falls silent is given up, and the request sent again', async () => {
    const clock = new ManualClock();
    const { device, proxy } = await start({ clock, silenceTimeoutMs: 1000 });
    let heldBack = 0;
    proxy.onReply = () => {
      heldBack++;
      return false;
    };
    const reading = read(device);
    await until(() => heldBack === 1);
    proxy.onReply = () => true;
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1000);
    assert.deepEqual(await reading, Buffer.alloc(4096));
    assert.equal(proxy.taken, 2);
  });

  test('does not keep a disconnect by force from ending at once', async () => {
    const { device, proxy } = await start();
    proxy.open = false;
    proxy.cut();
    const reading = assert.rejects(read(device), code('DISCONNECTED'));
    await new Promise((resolve) => setImmediate(resolve));
    await device.disconnect({ force: true });
    await reading;
  });
});

describe('a flush after a lost connection', () => {
  /** Another server at the other end of the line, over another device. */
  const replace = async ({ setup, proxy }: Line, device?: BlockDevice) => {
    const path = join(setup.folder, 'other');
    const served = device ?? (await connectMemory({ sizeSectors: (64 * MIB) / 512 }));
    const server = await serveNbd({ exports: { disk: served }, listen: { path } });
    others.push(() => server.stop({ force: true }));
    proxy.target = path;
    proxy.cut();
  };

  test('is believed where the server shows that it is the same', async () => {
    const { device, proxy } = await start();
    await write(device);
    proxy.cut();
    await device.flush();
  });

  test('is believed of another server over the same device', async () => {
    const line = await start();
    await write(line.device);
    await replace(line, line.setup.device);
    await line.device.flush();
    assert.deepEqual(await read(line.device), pattern(4096));
  });

  test('covers all writes: no connection to another server stands beside the others', async () => {
    const one = await setUp();
    const two = await setUp();
    const folder = await setUp();
    for (const each of [one, two, folder]) others.push(() => each[Symbol.asyncDispose]());
    const pathOf = ({ server: { address } }: Setup) => ('path' in address ? address.path : '');
    const proxy = await CutLine.start(join(folder.folder, 'proxy'), pathOf(one));
    others.unshift(async () => proxy.stop());
    proxy.targetOf = (taken) => pathOf(taken % 2 === 1 ? one : two);
    const device = await connectNbd(uriOf(proxy), { connections: 4 });
    others.unshift(() => device.disconnect({ force: true }));
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((i) => write(device, i * 8, i + 1)));
    await device.flush();
    for (let i = 0; i < 8; i++) assert.deepEqual(await read(device, i * 8), pattern(4096, i + 1));
    assert.equal(two.server.stats().requests.write, 0);
  });

  test('fails for good where the server may have forgotten what it answered', async () => {
    const line = await start();
    await write(line.device);
    await replace(line);
    await assert.rejects(line.device.flush(), code('FLUSH_FAILED'));
    await write(line.device);
    await assert.rejects(line.device.flush(), code('FLUSH_FAILED'));
    await assert.rejects(line.device.disconnect(), code('FLUSH_FAILED'));
    assert.deepEqual(await read(line.device), pattern(4096));
  });

  test('fails too when it was under way itself', async () => {
    const line = await start();
    await write(line.device);
    let heldBack = 0;
    line.proxy.onReply = () => {
      heldBack++;
      return false;
    };
    const flushing = assert.rejects(line.device.flush(), code('FLUSH_FAILED'));
    await until(() => heldBack === 1);
    line.proxy.onReply = () => true;
    await replace(line);
    await flushing;
  });

  test('is fine where all was flushed before, or nothing was answered', async () => {
    const line = await start();
    await write(line.device);
    await line.device.flush();
    await replace(line);
    await line.device.flush();
    await write(line.device);
    await line.device.flush();
  });

  test('is believed of anyone where the user says so', async () => {
    const line = await start({ assumeSameServer: true });
    await write(line.device);
    await replace(line);
    await line.device.flush();
  });

  test('an export of another size does not take the place of the first', async () => {
    const line = await start();
    await replace(line, await connectMemory({ sizeSectors: 8 }));
    await assert.rejects(read(line.device), code('UNSUPPORTED'));
  });
});
