import assert from 'node:assert/strict';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { isBlockError } from '@blockyard/block';
import { afterEach, describe, test } from 'vitest';
import * as pem from '../testing/certificates.js';
import { contextData, infoData, RawClient, type RawOptionReply } from '../testing/raw-client.js';
import { MIB, pattern, type Setup, setUp } from '../testing/serve.js';
import { ByteWriter } from '../wire/bytes.js';
import { Errno, Option, OptionReply } from '../wire/protocol.js';
import type { TlsOptions } from './tls.js';

const setups: Setup[] = [];
afterEach(async () => {
  for (const setup of setups.splice(0)) await setup[Symbol.asyncDispose]();
});
const X509 = { cert: pem.SERVER_CERT, key: pem.SERVER_KEY } as const;
const PSK = { psk: { alice: Buffer.from('0123456789abcdef', 'hex') } } as const;
const start = async (tls: TlsOptions) => {
  const setup = await setUp({ tls });
  setups.push(setup);
  return setup;
};
const types = (replies: readonly RawOptionReply[]) => replies.map(({ type }) => type);

/** Asks for TLS and goes on with it. Rejects if there is none. */
const secure = async (client: RawClient, options: ConnectionOptions = { ca: pem.CA }): Promise<RawClient> => {
  assert.deepEqual(types(await client.option(Option.STARTTLS)), [OptionReply.ACK]);
  return shakeHands(client, options);
};
const shakeHands = async (client: RawClient, options: ConnectionOptions): Promise<RawClient> => {
  client.socket.removeAllListeners('data');
  const socket: TLSSocket = connect({ socket: client.socket, servername: 'localhost', ...options });
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
  return new RawClient(socket);
};
const greeted = async (setup: Setup) => {
  const client = await setup.connect();
  await client.greet();
  return client;
};

describe('STARTTLS', () => {
  test('gives an encrypted connection that carries large and small requests', async () => {
    const setup = await start(X509);
    const client = await secure(await greeted(setup));
    await client.go({});
    const data = pattern(8 * MIB);
    assert.equal(await client.request({ command: 1, payload: data }), 0);
    assert.deepEqual(await client.readData(0, 8 * MIB), data);
    for (let i = 0; i < 100; i++) client.sendRequest({ command: 0, cookie: i, offset: i * 512, length: 512 });
    for (let i = 0; i < 100; i++) assert.equal((await client.readReply()).payload.byteLength, 520);
    const opened = setup.events.find((event) => event.type === 'opened');
    assert.ok(opened?.type === 'opened' && opened.tls);
    client.close();
    await setup.until(() => setup.server.connections === 0);
    assert.equal(setup.server.stats().inFlightBytes, 0);
  });

  test('forgets all that was negotiated in plaintext', async () => {
    const plain = await greeted(await start({ ...X509, mode: 'optional' }));
    await plain.option(Option.STRUCTURED_REPLY);
    await plain.option(Option.SET_META_CONTEXT, contextData('', ['base:allocation']));
    const client = await secure(plain);
    await client.go({ mode: 'simple' });
    assert.equal(await client.request({ command: 7, length: 512 }), Errno.EINVAL);
    client.sendRequest({ command: 0, length: 512 });
    assert.equal((await client.readReply(512)).kind, 'simple');
  });

  test('never reads plaintext that was sent behind it as if it had come encrypted', async () => {
    const plain = await greeted(await start(X509));
    const go = infoData('', []);
    const option = (number: number, data: Uint8Array) =>
      new ByteWriter().magic([0x49484156, 0x454f5054]).u32(number).u32(data.byteLength).bytes(data).finish();
    plain.send(Buffer.concat([option(Option.STARTTLS, new Uint8Array(0)), option(Option.GO, go)]));
    assert.equal((await plain.readOptionReply()).type, OptionReply.ACK);
    const client = await shakeHands(plain, { ca: pem.CA });
    assert.deepEqual(types(await client.option(Option.LIST)), [OptionReply.SERVER, OptionReply.ACK]);
    assert.equal(client.unreadBytes, 0);
  });

  test('with data, or a second time, is refused', async () => {
    const plain = await greeted(await start(X509));
    assert.deepEqual(types(await plain.option(Option.STARTTLS, new Uint8Array(1))), [OptionReply.ERR_INVALID]);
    const client = await secure(plain);
    assert.deepEqual(types(await client.option(Option.STARTTLS)), [OptionReply.ERR_INVALID]);
  });

  test('a handshake of nonsense ends the connection and nothing else', async () => {
    const setup = await start(X509);
    const plain = await greeted(setup);
    await plain.option(Option.STARTTLS);
    plain.send(Buffer.alloc(1000, 7));
    await plain.closed;
    const client = await secure(await greeted(setup));
    assert.deepEqual(types(await client.option(Option.LIST)), [OptionReply.SERVER, OptionReply.ACK]);
    await setup.until(() => setup.server.connections === 1);
  });

  test('older versions than 1.2 are not spoken', async () => {
    const setup = await start(X509);
    const old = { ca: pem.CA, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const;
    await assert.rejects(secure(await greeted(setup), old));
    const client = await secure(await greeted(setup), { ca: pem.CA, maxVersion: 'TLSv1.2' });
    assert.equal((client.socket as TLSSocket).getProtocol(), 'TLSv1.2');
  });
});

describe('required', () => {
  test('refuses every option but STARTTLS and ABORT, also those it does not know', async () => {
    const client = await greeted(await start(X509));
    const { LIST, INFO, GO, STRUCTURED_REPLY, EXTENDED_HEADERS, SET_META_CONTEXT } = Option;
    for (const option of [LIST, INFO, GO, STRUCTURED_REPLY, EXTENDED_HEADERS, SET_META_CONTEXT, 4711]) {
      assert.deepEqual(types(await client.option(option, infoData('disk', []))), [OptionReply.ERR_TLS_REQD]);
    }
    assert.deepEqual(types(await client.option(Option.ABORT)), [OptionReply.ACK]);
  });

  test('hangs up on EXPORT_NAME', async () => {
    const client = await greeted(await start(X509));
    client.sendOption(Option.EXPORT_NAME, Buffer.from('disk'));
    await client.closed;
    assert.equal(client.unreadBytes, 0);
  });
});

test('optional serves in plaintext too', async () => {
  const setup = await start({ ...X509, mode: 'optional' });
  assert.equal(await (await setup.open()).request({ command: 3 }), 0);
});

describe('client certificates', () => {
  test('of the given authority are let in, others and none are not', async () => {
    const setup = await start({ ...X509, ca: pem.CA });
    const good = { ca: pem.CA, cert: pem.CLIENT_CERT, key: pem.CLIENT_KEY };
    const client = await secure(await greeted(setup), good);
    await client.go({});
    assert.equal(await client.request({ command: 3 }), 0);
    const maximum = { maxVersion: 'TLSv1.2' } as const;
    const strange = { ca: pem.CA, cert: pem.STRANGER_CERT, key: pem.STRANGER_KEY };
    for (const options of [{ ca: pem.CA }, strange, { ca: pem.CA, ...maximum }, { ...strange, ...maximum }]) {
      const turnedAway = async () => {
        const other = await secure(await greeted(setup), options);
        other.socket.on('error', () => {});
        await other.option(Option.LIST);
      };
      await assert.rejects(turnedAway());
    }
  });
});

describe('pre-shared keys', () => {
  const withKey = (identity: string, hex: string, version: 'TLSv1.2' | 'TLSv1.3'): ConnectionOptions => ({
    ciphers: 'PSK',
    minVersion: version,
    maxVersion: version,
    pskCallback: () => ({ identity, psk: Buffer.from(hex, 'hex') }),
    checkServerIdentity: () => undefined,
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('let in who knows one (%s)', async (version) => {
    const setup = await start(PSK);
    const client = await secure(await greeted(setup), withKey('alice', '0123456789abcdef', version));
    await client.go({});
    assert.equal(await client.request({ command: 3 }), 0);
    for (const [identity, key] of [
      ['alice', 'ffffffffffffffff'],
      ['mallory', '0123456789abcdef'],
      ['__proto__', '0123456789abcdef'],
    ] as const) {
      await assert.rejects(secure(await greeted(setup), withKey(identity, key, version)));
    }
  });

  test('can stand beside certificates', async () => {
    const setup = await start({ ...X509, ...PSK });
    await secure(await greeted(setup), withKey('alice', '0123456789abcdef', 'TLSv1.2'));
    await secure(await greeted(setup));
  });
});

test.each<[string, TlsOptions]>([
  ['neither certificate nor key', {}],
  ['a certificate without its key', { cert: pem.SERVER_CERT }],
  ['a key of another certificate', { cert: pem.SERVER_CERT, key: pem.CLIENT_KEY }],
  ['nonsense', { cert: 'x', key: 'y' }],
  ['an unknown mode', { ...X509, mode: 'maybe' as 'optional' }],
])('%s is refused before the server listens', async (_, tls) => {
  await assert.rejects(setUp({ tls }), (error) => isBlockError(error, 'INVALID_ARGUMENT'));
});
