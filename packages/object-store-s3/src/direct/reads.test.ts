import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { readInto } from '@blockyard/object-store';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openS3Store } from '../index.js';
import type { S3ObjectStore } from '../store.js';
import { CERTIFICATE, KEY } from '../testing/certificate.js';
import { Reads } from './reads.js';

const BODY = randomBytes(150_000);
const RANGE = { offset: 0, lengthBytes: BODY.byteLength };
const ERROR = `<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>${'less '.repeat(200)}</Message></Error>`;

const headOf = (status: string, lengthBytes: number) =>
  Buffer.from(
    `HTTP/1.1 ${status}\r\nContent-Length: ${lengthBytes}\r\nETag: "0123456789abcdef"\r\nX-Amz-Meta-Blockyard: the-stamp\r\n` +
      `Content-Range: bytes 0-${BODY.byteLength - 1}/${BODY.byteLength}\r\n\r\n`,
  );
const PLAIN = Buffer.concat([headOf('206 Partial Content', BODY.byteLength), BODY]);
const REFUSED = Buffer.concat([headOf('503 Slow Down', ERROR.length), Buffer.from(ERROR)]);
const CHUNKED = Buffer.concat([
  Buffer.from(
    headOf('206 Partial Content', 0).toString().replace('Content-Length: 0', 'Transfer-Encoding: chunked').trimEnd(),
  ),
  Buffer.from(`\r\n\r\n10\r\n`),
  BODY.subarray(0, 16),
  Buffer.from(`\r\n${(BODY.byteLength - 16).toString(16)}\r\n`),
  BODY.subarray(16),
  Buffer.from('\r\n0\r\nA-Trailer: of no interest\r\n\r\n'),
]);

describe.each(['http', 'https'])('over %s', (protocol) => {
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  let server: Server;
  let store: S3ObjectStore;
  /** What is sent for a request, each piece in a packet of its own. */
  let pieces: readonly Uint8Array[];
  const sockets: Socket[] = [];

  beforeEach(async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    pieces = [PLAIN];
    const serve = (socket: Socket) => {
      sockets.push(socket.setNoDelay(true));
      socket.on('error', () => {});
      socket.on('data', async () => {
        for (const piece of pieces) {
          socket.write(piece);
          // The other end, in this process, reads it meanwhile.
          for (let turn = 0; turn < 4; turn++) await setImmediate();
        }
      });
    };
    server = protocol === 'https' ? createTlsServer({ cert: CERTIFICATE, key: KEY }, serve) : createServer(serve);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const endpoint = `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' };
    store = openS3Store({ bucket: 'bucket', endpoint, credentials, maxAttempts: 1 });
    // Through the SDK.
    expect(await get()).toMatchObject({ stamp: 'the-stamp' });
  });
  afterEach(() => {
    store.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });

  async function get() {
    const target = Buffer.alloc(BODY.byteLength);
    const version = await readInto(store, 'key', [target], 0);
    expect(target.equals(BODY)).toBe(true);
    return version;
  }

  test.each([
    ['with a length', PLAIN],
    ['in chunks', CHUNKED],
  ])('an answer %s is what it is wherever it is split', async (_, answer) => {
    const headBytes = answer.indexOf('\r\n\r\n') + 4;
    const ends = [answer.byteLength - 40, answer.byteLength - 10];
    for (const at of [...Array.from({ length: headBytes + 30 }, (_, index) => index + 1), ...ends]) {
      pieces = [answer.subarray(0, at), answer.subarray(at, at + 9), answer.subarray(at + 9)];
      expect(await get()).toEqual({ etag: '"0123456789abcdef"', sizeBytes: BODY.byteLength, stamp: 'the-stamp' });
    }
  });

  test('an error is told as it is wherever its body is split', async () => {
    for (const end of [ERROR.indexOf('Slow'), ERROR.indexOf('less')].map(
      (at) => at + REFUSED.byteLength - ERROR.length,
    )) {
      pieces = [REFUSED.subarray(0, end), REFUSED.subarray(end)];
      await expect(get()).rejects.toThrow('SlowDown (503)');
    }
  });

  test.each([
    ['with a length', PLAIN],
    ['in chunks', CHUNKED],
  ])('answers %s are read into the same memory again and again', async (_, answer) => {
    pieces = [answer];
    const memory = new Set<ArrayBufferLike>();
    for (let round = 0; round < 20; round++) {
      const end = () => {};
      await store.get('key', RANGE, () => ({ push: ({ buffer }) => void memory.add(buffer), end }));
    }
    // A second connection may be opened for a request that comes while the answer before it is being ended.
    expect(memory.size).toBeLessThanOrEqual(2);
  });
});

test('what comes behind the last piece of a body stays as it was read', () => {
  const [reads, socket] = [new Reads(), new Socket()];
  socket.on('readable', () => reads.took((socket.read() as Uint8Array).subarray(0, 9)));
  const { buffer, callback } = reads.of(() => socket);
  const memory = buffer();
  expect([callback(9), buffer() === memory]).toEqual([true, true]);
  expect([callback(10), buffer() === memory]).toEqual([true, false]);
});

test('what no one reads at once stays as it was read, and there is a pause', () => {
  const [reads, socket] = [new Reads(), new Socket()];
  const { buffer, callback } = reads.of(() => socket);
  const memory = buffer();
  expect([callback(9), buffer() === memory]).toEqual([false, false]);
});
