import assert from 'node:assert/strict';
import { connectMemory } from '@blockyard/backend-memory';
import { ManualClock } from '@blockyard/block/testing';
import { afterEach, describe, test } from 'vitest';
import { contextData, infoData, type RawClient, type RawOptionReply } from '../../testing/raw-client.js';
import { type Setup, setUp } from '../../testing/serve.js';
import { ByteWriter, encodeText } from '../../wire/bytes.js';
import { Info, Option, OptionReply, TransmissionFlag } from '../../wire/protocol.js';

const setups: Setup[] = [];
afterEach(async () => {
  for (const setup of setups.splice(0)) await setup[Symbol.asyncDispose]();
});
const start = async (options?: Parameters<typeof setUp>[0]): Promise<Setup> => {
  const setup = await setUp(options);
  setups.push(setup);
  return setup;
};
const greeted = async (setup: Setup, flags?: number): Promise<RawClient> => {
  const client = await setup.connect();
  await client.greet(flags);
  return client;
};
const types = (replies: readonly RawOptionReply[]) => replies.map(({ type }) => type);
const memory = () => connectMemory({ sizeSectors: 2048 });

describe('greeting', () => {
  test('offers fixed newstyle and NO_ZEROES, and nothing else', async () => {
    const client = await (await start()).connect();
    const greeting = await client.greet();
    assert.equal(greeting.toString('latin1', 0, 16), 'NBDMAGICIHAVEOPT');
    assert.equal(greeting.readUInt16BE(16), 3);
  });

  test('a client with flags that were not offered is cut off', async () => {
    const setup = await start();
    const client = await greeted(setup, 7);
    await client.closed;
    await setup.until(() => setup.server.connections === 0);
    assert.equal(setup.server.stats().connections.violations, 1);
  });

  test('a handshake that takes too long ends, however much was said', async () => {
    const clock = new ManualClock();
    const setup = await start({ clock });
    const client = await greeted(setup);
    await client.option(Option.LIST);
    clock.advance(9_999);
    await client.option(Option.LIST);
    clock.advance(1);
    await client.closed;
    assert.equal(setup.server.stats().connections.timedOut, 1);
  });

  test('a client in the transmission phase has all the time in the world', async () => {
    const clock = new ManualClock();
    const setup = await start({ clock });
    const client = await setup.open();
    clock.advance(10_000_000);
    assert.equal(await client.request({ command: 3 }), 0);
  });
});

describe('EXPORT_NAME', () => {
  test('gives size and flags, and 124 zeroes to those who did not opt out', async () => {
    const setup = await start({ exports: { a: await memory() } });
    for (const [flags, paddingBytes] of [
      [1, 124],
      [3, 0],
    ] as const) {
      const client = await greeted(setup, flags);
      client.sendOption(Option.EXPORT_NAME, encodeText('a'));
      const reply = await client.read(10 + paddingBytes);
      assert.equal(reply.readBigUInt64BE(0), 2048n * 512n);
      assert.equal(reply.readUInt16BE(8) & TransmissionFlag.HAS_FLAGS, 1);
      assert.ok(reply.subarray(10).every((byte) => byte === 0));
      client.mode = 'simple';
      assert.deepEqual(await client.readData(0, 512), Buffer.alloc(512));
      assert.equal(client.unreadBytes, 0);
    }
  });

  test.each(['nothing', 'a'.repeat(70_000), '../a', 'a\0'])('an unknown name hangs up: %.10j', async (name) => {
    const setup = await start({ exports: { a: await memory(), b: await memory() } });
    const client = await greeted(setup);
    client.sendOption(Option.EXPORT_NAME, encodeText(name));
    await client.closed;
    assert.equal(client.unreadBytes, 0);
  });

  test('is no way in with extended headers, which need GO', async () => {
    const client = await greeted(await start());
    await client.option(Option.EXTENDED_HEADERS);
    client.sendOption(Option.EXPORT_NAME, encodeText('disk'));
    await client.closed;
  });
});

describe('options', () => {
  test('ABORT is acknowledged before the server hangs up', async () => {
    const client = await greeted(await start());
    assert.deepEqual(types(await client.option(Option.ABORT)), [OptionReply.ACK]);
    await client.closed;
  });

  test('LIST names every export with its description', async () => {
    const setup = await start({
      exports: { one: await memory(), 'zwei/ü': { device: await memory(), description: 'the second' } },
    });
    const client = await greeted(setup);
    const replies = await client.option(Option.LIST);
    assert.deepEqual(types(replies), [OptionReply.SERVER, OptionReply.SERVER, OptionReply.ACK]);
    assert.equal(replies[0]?.data.toString('utf8', 4), 'one');
    const second = encodeText('zwei/ü');
    assert.equal(replies[1]?.data.readUInt32BE(0), second.byteLength);
    assert.equal(replies[1]?.data.toString('utf8', 4), 'zwei/üthe second');
  });

  test.each([Option.LIST, Option.STRUCTURED_REPLY, Option.EXTENDED_HEADERS])(
    'option %i takes no data',
    async (option) => {
      const client = await greeted(await start());
      assert.deepEqual(types(await client.option(option, new Uint8Array(1))), [OptionReply.ERR_INVALID]);
    },
  );

  test('an unknown option with data is skipped whole, and the client stays in step', async () => {
    const client = await greeted(await start());
    assert.deepEqual(types(await client.option(4)), [OptionReply.ERR_UNSUP]);
    assert.deepEqual(types(await client.option(0xdeadbeef, new Uint8Array(5000))), [OptionReply.ERR_UNSUP]);
    assert.deepEqual(types(await client.option(Option.LIST)), [OptionReply.SERVER, OptionReply.ACK]);
  });

  test('one that is too long is skipped whole and refused, and no memory is taken for it', async () => {
    const client = await greeted(await start());
    const replies = await client.option(Option.INFO, new Uint8Array(1_000_000));
    assert.deepEqual(types(replies), [OptionReply.ERR_TOO_BIG]);
    assert.deepEqual(types(await client.option(Option.LIST)), [OptionReply.SERVER, OptionReply.ACK]);
  });

  test('an option with the wrong magic hangs up', async () => {
    const client = await greeted(await start());
    client.send(Buffer.alloc(16, 0x49));
    await client.closed;
  });

  test('STARTTLS is refused by a server without TLS', async () => {
    const client = await greeted(await start());
    assert.deepEqual(types(await client.option(Option.STARTTLS)), [OptionReply.ERR_POLICY]);
  });

  test('works byte by byte, and with everything in one piece', async () => {
    const setup = await start();
    const client = await greeted(setup);
    const go = infoData('disk', [Info.BLOCK_SIZE]);
    const list = new ByteWriter().magic([0x49484156, 0x454f5054]).u32(Option.LIST).u32(0).finish();
    const info = new ByteWriter()
      .magic([0x49484156, 0x454f5054])
      .u32(Option.INFO)
      .u32(go.byteLength)
      .bytes(go)
      .finish();
    for (const byte of [...list, ...info]) client.send(Uint8Array.of(byte));
    client.send(Buffer.concat([list, info]));
    const seen: number[] = [];
    for (let i = 0; i < 10; i++) seen.push((await client.readOptionReply()).type);
    const { SERVER, INFO, ACK } = OptionReply;
    assert.deepEqual(seen, [SERVER, ACK, INFO, INFO, ACK, SERVER, ACK, INFO, INFO, ACK]);
  });
});

describe('INFO and GO', () => {
  test('the empty name is the default export, where there is one', async () => {
    const [a, b] = [await memory(), await connectMemory({ sizeSectors: 8, sectorSize: 4096 })];
    const named = await start({ exports: { a, b }, default: 'b' });
    const client = await greeted(named);
    const replies = await client.option(Option.INFO, infoData('', [Info.NAME]));
    const name = replies.find(({ data }) => data.readUInt16BE(0) === Info.NAME);
    assert.equal(name?.data.toString('utf8', 2), 'b');
    const unnamed = await greeted(await start({ exports: { a, b } }));
    assert.deepEqual(types(await unnamed.option(Option.INFO, infoData('', []))), [OptionReply.ERR_UNKNOWN]);
    const alone = await greeted(await start({ exports: { a } }));
    assert.equal(types(await alone.option(Option.INFO, infoData('', []))).at(-1), OptionReply.ACK);
  });

  test('tell the block sizes: a byte, the preferred size, 32 MiB', async () => {
    const device = await connectMemory({ sizeSectors: 64, sectorSize: 4096 });
    const client = await greeted(await start({ exports: { disk: device } }));
    const replies = await client.option(Option.INFO, infoData('', []));
    const sizes = replies.find(({ data }) => data.byteLength === 14);
    assert.equal(sizes?.data.readUInt32BE(2), 1);
    assert.equal(sizes?.data.readUInt32BE(6), 65_536);
    assert.equal(sizes?.data.readUInt32BE(10), 32 * 1024 * 1024);
  });

  test('give name and description to those who ask', async () => {
    const setup = await start({ exports: { disk: { device: await memory(), description: 'a disk' } } });
    const client = await greeted(setup);
    const texts = async (asked: number[]) => {
      const replies = await client.option(Option.INFO, infoData('', asked));
      return replies.filter(({ data }) => data.byteLength > 2 && [1, 2].includes(data.readUInt16BE(0)));
    };
    assert.deepEqual(await texts([77]), []);
    const found = await texts([Info.NAME, Info.DESCRIPTION, 999]);
    assert.deepEqual(
      found.map(({ data }) => data.toString('utf8', 2)),
      ['disk', 'a disk'],
    );
  });

  test('after an unknown export the client may try again', async () => {
    const client = await greeted(await start());
    assert.deepEqual(types(await client.option(Option.GO, infoData('nope', []))), [OptionReply.ERR_UNKNOWN]);
    assert.equal(types(await client.option(Option.GO, infoData('disk', []))).at(-1), OptionReply.ACK);
  });

  test.each([
    ['no data', new Uint8Array(0)],
    ['a name longer than the data', new ByteWriter().u32(4000).u16(0).finish()],
    ['a name of 4 GiB', new ByteWriter().u32(0xffff_ffff).bytes(new Uint8Array(10)).finish()],
    ['more types than there are', new ByteWriter().text('disk').u16(2).u16(3).finish()],
    ['bytes left over', new ByteWriter().text('disk').u16(0).u16(3).finish()],
    ['a name that is no UTF-8', new ByteWriter().u32(2).bytes(Uint8Array.of(0xc3, 0x28)).u16(0).finish()],
    ['a name with a NUL', new ByteWriter().u32(1).bytes(Uint8Array.of(0)).u16(0).finish()],
  ])('refuse %s and go on', async (_, data) => {
    const client = await greeted(await start());
    assert.deepEqual(types(await client.option(Option.GO, data)), [OptionReply.ERR_INVALID]);
    assert.equal(types(await client.option(Option.INFO, infoData('disk', []))).at(-1), OptionReply.ACK);
  });

  test('set DF only after structured replies, and no write flags on a read-only export', async () => {
    const setup = await start({ exports: { disk: { device: await memory(), readOnly: true } } });
    const simple = await setup.open({ mode: 'simple' });
    const { READ_ONLY, SEND_DF, SEND_WRITE_ZEROES, SEND_TRIM, CAN_MULTI_CONN, SEND_FAST_ZERO } = TransmissionFlag;
    assert.equal(simple.flags & SEND_DF, 0);
    assert.equal(simple.flags & READ_ONLY, READ_ONLY);
    assert.equal(simple.flags & (SEND_WRITE_ZEROES | SEND_TRIM | SEND_FAST_ZERO), 0);
    assert.equal(simple.flags & CAN_MULTI_CONN, CAN_MULTI_CONN);
    const structured = await setup.open({ mode: 'structured' });
    assert.equal(structured.flags & SEND_DF, SEND_DF);
  });

  test('a new connection sees the size after a resize', async () => {
    const setup = await start();
    assert.equal((await setup.open()).size, 64 * 1024 * 1024);
    await setup.device.resize(4096);
    assert.equal((await setup.open()).size, 4096 * 512);
  });
});

describe('structured replies and extended headers', () => {
  test('extended headers take the place of structured replies', async () => {
    const client = await greeted(await start());
    assert.deepEqual(types(await client.option(Option.STRUCTURED_REPLY)), [OptionReply.ACK]);
    assert.deepEqual(types(await client.option(Option.EXTENDED_HEADERS)), [OptionReply.ACK]);
    assert.deepEqual(types(await client.option(Option.STRUCTURED_REPLY)), [OptionReply.ERR_EXT_HEADER_REQD]);
    assert.deepEqual(types(await client.option(Option.EXTENDED_HEADERS)), [OptionReply.ERR_INVALID]);
  });
});

describe('meta contexts', () => {
  const names = (replies: readonly RawOptionReply[]) =>
    replies.filter(({ type }) => type === OptionReply.META_CONTEXT).map(({ data }) => data.toString('utf8', 4));
  const negotiated = async (setup: Setup) => {
    const client = await greeted(setup);
    await client.option(Option.STRUCTURED_REPLY);
    return client;
  };

  test('need structured replies', async () => {
    const client = await greeted(await start());
    const query = contextData('disk', ['base:allocation']);
    assert.deepEqual(types(await client.option(Option.SET_META_CONTEXT, query)), [OptionReply.ERR_INVALID]);
  });

  test('are listed by name, by namespace, or all', async () => {
    const client = await negotiated(await start());
    const list = async (queries: string[]) =>
      names(await client.option(Option.LIST_META_CONTEXT, contextData('', queries)));
    assert.deepEqual(await list([]), ['base:allocation']);
    assert.deepEqual(await list(['base:']), ['base:allocation']);
    assert.deepEqual(await list(['base:allocation', 'base:', 'qemu:dirty-bitmap:x']), ['base:allocation']);
    assert.deepEqual(await list(['base:nope', 'x-blockyard:dirty']), []);
  });

  test('of our own are there where the device has a cache', async () => {
    const device = Object.assign(await memory(), { states: () => [] });
    const client = await negotiated(await start({ exports: { disk: device } }));
    const list = async (queries: string[]) =>
      names(await client.option(Option.LIST_META_CONTEXT, contextData('', queries)));
    assert.deepEqual(await list([]), ['base:allocation', 'x-blockyard:dirty', 'x-blockyard:cached']);
    assert.deepEqual(await list(['x-blockyard:']), ['x-blockyard:dirty', 'x-blockyard:cached']);
  });

  test('a wildcard selects nothing; a full name selects, each with an id of its own', async () => {
    const device = Object.assign(await memory(), { states: () => [] });
    const client = await negotiated(await start({ exports: { disk: device } }));
    const set = async (queries: string[]) => client.option(Option.SET_META_CONTEXT, contextData('', queries));
    assert.deepEqual(names(await set(['base:', 'x-blockyard:'])), []);
    const replies = await set(['x-blockyard:cached', 'base:allocation', 'base:allocation', 'unknown:context']);
    assert.deepEqual(names(replies).sort(), ['base:allocation', 'x-blockyard:cached']);
    const ids = replies.slice(0, -1).map(({ data }) => data.readUInt32BE(0));
    assert.equal(new Set(ids).size, 2);
  });

  test('the same device has the same instance name, another one another', async () => {
    const [a, b] = [await memory(), await memory()];
    const client = await negotiated(await start({ exports: { a, again: a, b } }));
    const instance = async (name: string) =>
      names(await client.option(Option.LIST_META_CONTEXT, contextData(name, ['x-blockyard:instance:'])))[0];
    assert.match((await instance('a')) ?? '', /^x-blockyard:instance:[0-9a-f-]{36}$/);
    assert.equal(await instance('a'), await instance('again'));
    assert.notEqual(await instance('a'), await instance('b'));
  });

  test('a selection counts for the export that it named, and a failed one ends the one before', async () => {
    const setup = await start({ exports: { a: await memory(), b: await memory() } });
    const status = async (prepare: (client: RawClient) => Promise<unknown>, name: string) => {
      const client = await negotiated(setup);
      await client.option(Option.SET_META_CONTEXT, contextData('a', ['base:allocation']));
      await prepare(client);
      await client.option(Option.GO, infoData(name, []));
      client.mode = 'structured';
      return client.request({ command: 7, length: 512 });
    };
    assert.equal(await status(async () => {}, 'a'), 0);
    assert.equal(await status(async () => {}, 'b'), 22);
    assert.equal(await status((client) => client.option(Option.SET_META_CONTEXT, contextData('nope', [])), 'a'), 22);
    assert.equal(await status((client) => client.option(Option.SET_META_CONTEXT, contextData('a', [])), 'a'), 22);
  });

  test.each([
    ['more queries than data', new ByteWriter().text('disk').u32(1_000_000_000).finish()],
    ['a query longer than the data', new ByteWriter().text('disk').u32(1).u32(100).finish()],
    ['bytes left over', new ByteWriter().text('disk').u32(0).u32(0).finish()],
  ])('refuse %s', async (_, data) => {
    const client = await negotiated(await start());
    assert.deepEqual(types(await client.option(Option.SET_META_CONTEXT, data)), [OptionReply.ERR_INVALID]);
    assert.deepEqual(types(await client.option(Option.LIST)), [OptionReply.SERVER, OptionReply.ACK]);
  });
});
