import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, type BlockErrorCode, isBlockError } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { afterEach, beforeEach, describe, test } from 'vitest';
import * as pem from '../testing/certificates.js';
import { MIB, pattern, type Setup, setUp } from '../testing/serve.js';
import { ByteWriter } from '../wire/bytes.js';
import { NBDMAGIC, OPTION_REPLY_MAGIC, Option, OptionReply, TransmissionFlag } from '../wire/protocol.js';
import { connectNbd } from './connect.js';
import type { NbdOptions } from './options.js';

const ends: (() => unknown)[] = [];
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nbd-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await rm(folder, { recursive: true, force: true });
});
const served = async (options?: Parameters<typeof setUp>[0]): Promise<Setup> => {
  const setup = await setUp(options);
  ends.push(() => setup[Symbol.asyncDispose]());
  return setup;
};
const connected = async (uri: string, options?: NbdOptions): Promise<BlockDevice> => {
  const device = await connectNbd(uri, options);
  ends.push(() => device.disconnect({ force: true }));
  return device;
};
const code = (expected: BlockErrorCode) => (error: unknown) => isBlockError(error) && error.code === expected;
const checkWorks = async (device: BlockDevice) => {
  await device.write(8, [pattern(MIB)]);
  await device.flush();
  const found = Buffer.alloc(MIB);
  await device.read(8, [found]);
  assert.ok(found.equals(pattern(MIB)));
};

describe('connectNbd', () => {
  test('takes the device as the server tells it', async () => {
    const base = await connectMemory({ sizeSectors: 1000, sectorSize: 4096 });
    const setup = await served({ device: base });
    const device = await connected(setup.server.uris.disk ?? '');
    assert.equal(device.info.sectorSize, 4096);
    assert.equal(device.info.sizeSectors, 1000);
    assert.equal(device.info.readOnly, false);
    assert.deepEqual(device.info.native, { discard: true, writeZeroes: true, extents: true });
    assert.equal(device.info.name, setup.server.uris.disk);
    assert.equal(setup.server.connections, 4);
    await checkWorks(device);
    const reader = await connected(setup.server.uris.disk ?? '', { readOnly: true });
    assert.deepEqual([reader.info.readOnly, reader.info.native], [true, device.info.native]);
  });

  test('works over TCP', async () => {
    const setup = await served({ listen: { port: 0 } });
    await checkWorks(await connected(setup.server.uris.disk ?? ''));
  });

  test.each([512, 65_536])('takes sectors of %i bytes where the device has others', async (sectorSize) => {
    const setup = await served({ device: await connectMemory({ sizeSectors: MIB, sectorSize: 4096 }) });
    const device = await connected(setup.server.uris.disk ?? '', { sectorSize });
    assert.equal(device.info.sectorSize, sectorSize);
    await checkWorks(device);
  });

  test('a size that is not whole sectors is refused, not cut', async () => {
    const setup = await served({ device: await connectMemory({ sizeSectors: 9 }) });
    await assert.rejects(connectNbd(setup.server.uris.disk ?? '', { sectorSize: 4096 }), code('UNSUPPORTED'));
  });

  test('is read-only where the export is, or where it was asked to be', async () => {
    const device = await connectMemory({ sizeSectors: 64 });
    const setup = await served({ exports: { no: { device, readOnly: true }, yes: device } });
    for (const [name, options] of [
      ['no', {}],
      ['yes', { readOnly: true }],
    ] as const) {
      const client = await connected(setup.server.uris[name] ?? '', options);
      assert.equal(client.info.readOnly, true);
      await assert.rejects(client.write(0, [new Uint8Array(512)]), code('READ_ONLY'));
      await client.flush();
    }
  });

  test('hangs up politely at the end', async () => {
    const setup = await served();
    const device = await connectNbd(setup.server.uris.disk ?? '');
    await device.disconnect();
    await setup.until(() => setup.server.connections === 0);
    const reasons = setup.events.flatMap((event) => (event.type === 'closed' ? [event.reason] : []));
    assert.deepEqual(new Set(reasons), new Set(['the client said goodbye']));
  });

  test('leaves nothing behind when it fails', async () => {
    const setup = await served({ exports: { a: await connectMemory({ sizeSectors: 9 }) } });
    await assert.rejects(connectNbd(`${setup.server.uris.a}`, { sectorSize: 4096 }));
    await setup.until(() => setup.server.connections === 0);
  });

  test.each<[string, string, NbdOptions, BlockErrorCode]>([
    ['an unknown export', 'nope', {}, 'NOT_FOUND'],
    ['an unknown option', 'disk', { conections: 1 } as NbdOptions, 'INVALID_ARGUMENT'],
    ['too many connections', 'disk', { connections: 17 }, 'INVALID_ARGUMENT'],
    ['an odd sector size', 'disk', { sectorSize: 1000 }, 'INVALID_ARGUMENT'],
    ['TLS where there is none', 'disk', { tls: {} }, 'ACCESS_DENIED'],
  ])('%s is refused', async (_, name, options, expected) => {
    const setup = await served({
      exports: { disk: await connectMemory({ sizeSectors: 8 }), other: await connectMemory({ sizeSectors: 8 }) },
    });
    const uri = (setup.server.uris.disk ?? '').replace('disk', name);
    await assert.rejects(connectNbd(uri, options), code(expected));
  });

  test('no one there is UNAVAILABLE', async () => {
    await assert.rejects(connectNbd(`nbd+unix:///?socket=${join(folder, 'none')}`), code('UNAVAILABLE'));
    await assert.rejects(connectNbd('nbd://127.0.0.1:1/'), code('UNAVAILABLE'));
  });
});

describe('with TLS', () => {
  const server = { cert: pem.SERVER_CERT, key: pem.SERVER_KEY };

  test('works, with the authority given or in a folder that the URI names', async () => {
    const setup = await served({ tls: server });
    const uri = setup.server.uris.disk ?? '';
    assert.match(uri, /^nbds\+unix:/);
    await checkWorks(await connected(uri, { tls: { ca: pem.CA } }));
    await writeFile(join(folder, 'ca-cert.pem'), pem.CA);
    await checkWorks(await connected(`${uri}&tls-certificates=${folder}`));
  });

  test('shows its own certificate where the server wants one', async () => {
    const setup = await served({ tls: { ...server, ca: pem.CA } });
    const uri = setup.server.uris.disk ?? '';
    await checkWorks(await connected(uri, { tls: { ca: pem.CA, cert: pem.CLIENT_CERT, key: pem.CLIENT_KEY } }));
    await assert.rejects(connectNbd(uri, { tls: { ca: pem.CA } }));
  });

  test('works with a pre-shared key, given or in a file', async () => {
    const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const setup = await served({ tls: { psk: { alice: key } } });
    const uri = setup.server.uris.disk ?? '';
    await checkWorks(await connected(uri, { tls: { psk: { identity: 'alice', key } } }));
    const file = join(folder, 'keys.psk');
    await writeFile(file, `bob:ff\nalice:${key.toString('hex')}\n`);
    await checkWorks(await connected(`${uri.replace('///', '//alice@/')}&tls-psk-file=${file}`));
    await assert.rejects(
      connectNbd(uri, { tls: { psk: { identity: 'alice', key: Buffer.alloc(16) } } }),
      code('ACCESS_DENIED'),
    );
  });

  test('does not believe a server whose name or authority is another', async () => {
    const uri = (await served({ tls: server })).server.uris.disk ?? '';
    await assert.rejects(connectNbd(uri, { tls: { ca: pem.CA, hostname: 'example.com' } }), code('ACCESS_DENIED'));
    await assert.rejects(connectNbd(uri), code('ACCESS_DENIED'));
    const stranger = await served({ tls: { cert: pem.STRANGER_CERT, key: pem.STRANGER_KEY } });
    await assert.rejects(connectNbd(stranger.server.uris.disk ?? '', { tls: { ca: pem.CA } }), code('ACCESS_DENIED'));
  });

  test('is not done without where the URI asks for it', async () => {
    const setup = await served();
    const uri = (setup.server.uris.disk ?? '').replace('nbd+', 'nbds+');
    await assert.rejects(connectNbd(uri, { tls: { ca: pem.CA } }), code('ACCESS_DENIED'));
  });

  test('plaintext to a server that wants TLS is refused', async () => {
    const setup = await served({ tls: server });
    await assert.rejects(connectNbd((setup.server.uris.disk ?? '').replace('nbds+', 'nbd+')), code('ACCESS_DENIED'));
  });
});

/** A server that says what it is told to, whatever the client says. */
const liar = async (
  script: (socket: Socket, option: (bytes: number) => Promise<number>) => Promise<void>,
): Promise<string> => {
  const path = join(folder, 'liar');
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    let bytes = 0;
    let wake = () => {};
    socket.on('data', (chunk) => {
      bytes += chunk.byteLength;
      wake();
    });
    const atLeast = async (count: number) => {
      while (bytes < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return bytes;
    };
    script(socket, atLeast).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  return `nbd+unix:///?socket=${path}`;
};
const greeting = new ByteWriter().magic(NBDMAGIC).magic([0x49484156, 0x454f5054]).u16(3).finish();
const reply = (option: number, type: number, data: Uint8Array = new Uint8Array(0)) =>
  new ByteWriter().magic(OPTION_REPLY_MAGIC).u32(option).u32(type).u32(data.byteLength).bytes(data).finish();

describe('a server that breaks the protocol', () => {
  test.each<[string, Uint8Array]>([
    ['speaks HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['is of the old style', new ByteWriter().magic(NBDMAGIC).u32(0x420281).u32(0x86125300).u16(0).finish()],
    ['does not speak fixed newstyle', new ByteWriter().bytes(greeting.subarray(0, 16)).u16(0).finish()],
    ['answers with the wrong magic', new ByteWriter().bytes(greeting).bytes(new Uint8Array(20)).finish()],
    ['answers another option', new ByteWriter().bytes(greeting).bytes(reply(Option.LIST, OptionReply.ACK)).finish()],
    [
      'answers with 4 GiB',
      new ByteWriter()
        .bytes(greeting)
        .magic(OPTION_REPLY_MAGIC)
        .u32(Option.EXTENDED_HEADERS)
        .u32(3)
        .u32(0xffff_ffff)
        .finish(),
    ],
  ])('because it %s is told apart from a good one', async (_, bytes) => {
    const uri = await liar(async (socket) => {
      socket.write(bytes);
    });
    await assert.rejects(connectNbd(uri), code('IO'));
  });

  test('by silence is given up in time', async () => {
    const clock = new ManualClock();
    const uri = await liar(async () => {});
    const failed = assert.rejects(connectNbd(uri, { clock, connectTimeoutMs: 3000 }), code('TIMEOUT'));
    while (clock.timers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(3000);
    await failed;
  });

  test('by hanging up is UNAVAILABLE', async () => {
    const uri = await liar(async (socket) => {
      socket.end(greeting);
    });
    await assert.rejects(connectNbd(uri), code('UNAVAILABLE'));
  });

  /** A handshake without structured replies or extended headers, then what the script says to the first request. */
  const inTransmission = (answer: (cookie: Buffer) => Uint8Array) =>
    liar(async (socket, atLeast) => {
      const { ERR_UNSUP, ACK, INFO } = OptionReply;
      const flags = TransmissionFlag.HAS_FLAGS | TransmissionFlag.SEND_FLUSH;
      const facts = new ByteWriter().u16(0).u64(MIB).u16(flags).finish();
      socket.write(greeting);
      socket.write(reply(Option.EXTENDED_HEADERS, ERR_UNSUP));
      socket.write(reply(Option.STRUCTURED_REPLY, ACK));
      socket.write(reply(Option.LIST_META_CONTEXT, ERR_UNSUP));
      socket.write(reply(Option.SET_META_CONTEXT, ERR_UNSUP));
      socket.write(reply(Option.GO, INFO, facts));
      socket.write(reply(Option.GO, ACK));
      const before = 4 + 16 + 16 + (16 + 4 + 4 + 4 + 21 + 4 + 24) + (16 + 4 + 4 + 4 + 15) + (16 + 4 + 2 + 2);
      await atLeast(before + 28);
      const cookie = Buffer.alloc(8);
      socket.write(answer(cookie));
    });
  const chunk = (flags: number, type: number, cookie: Buffer, payload: Uint8Array) =>
    new ByteWriter().u32(0x668e33ef).u16(flags).u16(type).bytes(cookie).u32(payload.byteLength).bytes(payload).finish();
  const data = (offset: number, lengthBytes: number) =>
    new ByteWriter().u64(offset).bytes(new Uint8Array(lengthBytes).fill(7)).finish();

  test('a reply that fits is taken', async () => {
    const uri = await inTransmission((cookie) => chunk(1, 1, cookie, data(0, 512)));
    const device = await connected(uri, { maxOutageMs: 0 });
    const found = Buffer.alloc(512);
    await device.read(0, [found]);
    assert.ok(found.every((byte) => byte === 7));
  });

  test.each<[string, (cookie: Buffer) => Uint8Array]>([
    ['the wrong magic', () => new Uint8Array(64)],
    ['a reply to nothing', () => chunk(1, 0, Buffer.alloc(8, 9), new Uint8Array(0))],
    [
      'a simple reply to a read',
      (cookie) => new ByteWriter().u32(0x67446698).u32(0).bytes(cookie).bytes(new Uint8Array(512)).finish(),
    ],
    ['no data at all', (cookie) => chunk(1, 0, cookie, new Uint8Array(0))],
    ['too few data', (cookie) => chunk(1, 1, cookie, data(0, 511))],
    ['too many data', (cookie) => chunk(1, 1, cookie, data(0, 513))],
    ['data of before', (cookie) => chunk(1, 1, cookie, data(512, 512))],
    [
      'data of 4 GiB',
      (cookie) => new ByteWriter().u32(0x668e33ef).u16(1).u16(1).bytes(cookie).u32(0xffff_ffff).u64(0).finish(),
    ],
    [
      'the same data twice',
      (cookie) => Buffer.concat([chunk(0, 1, cookie, data(0, 256)), chunk(1, 1, cookie, data(0, 256))]),
    ],
    ['a hole that is too long', (cookie) => chunk(1, 2, cookie, new ByteWriter().u64(0).u32(1024).finish())],
    [
      'a status that was not asked for',
      (cookie) => chunk(1, 5, cookie, new ByteWriter().u32(0).u32(512).u32(0).finish()),
    ],
    ['a chunk of an unknown type', (cookie) => chunk(1, 99, cookie, new Uint8Array(8))],
  ])('%s fails the read, and only the read', async (_, answer) => {
    const uri = await inTransmission(answer);
    const device = await connected(uri, { maxOutageMs: 0 });
    await assert.rejects(device.read(0, [Buffer.alloc(512)]), (error) => isBlockError(error));
  });
});
