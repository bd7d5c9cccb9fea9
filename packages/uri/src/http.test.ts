import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectUri, createUri } from './index.js';
import { DISK_BYTES, image } from './testing/image.js';

const DISK = Buffer.alloc(8192, 'on the web ');
/** What lies at some paths; at all others lies the disk. */
const FILES: Readonly<Record<string, Buffer>> = {
  '/images/top.qcow2': image({ backing: 'below/raw 100%.img', format: 'raw' }),
  '/images/below/raw%20100%25.img': Buffer.alloc(DISK_BYTES, 9),
  '/images/away.qcow2': image({ backing: '//192.0.2.1/disk.img', format: 'raw' }),
};

let folder: string;
let server: Server;
let origin: string;
const requests: { readonly url: string | undefined; readonly authorization: string | undefined }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'uri-http-'));
  server = createServer(({ url, headers: { range = '', authorization } }, response) => {
    requests.push({ url, authorization });
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    const [start, end] = [Number(first), Number(last) + 1];
    const content = FILES[url ?? ''] ?? DISK;
    response.writeHead(206, { etag: '"1"', 'content-range': `bytes ${start}-${end - 1}/${content.byteLength}` });
    response.end(content.subarray(start, end));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

test('A URI of the web is what lies on the server, which gets the query and the authorization that the URI names', async () => {
  const file = join(folder, 'authorization');
  await writeFile(file, 'Bearer token\n');
  const uri = `${origin}/a%20b.img?query=a%3D1%26b%3D2&authorization-file=${file}&sector=4096&concurrency=2&timeout=5s`;
  await using device = await connectUri(uri);
  expect(device.info).toMatchObject({ name: `${origin}/a%20b.img`, sectorSize: 4096, sizeSectors: 2, readOnly: true });
  const bytes = Buffer.alloc(8192);
  await device.read(0, [bytes]);
  expect(bytes.equals(DISK)).toBe(true);
  expect(requests.at(-1)).toEqual({ url: '/a%20b.img?a=1&b=2', authorization: 'Bearer token' });
});

test('A file of an authorization that holds none is refused, and nothing of it told', async () => {
  const file = join(folder, 'two-lines');
  await writeFile(file, 'Bearer secret\nand more\n');
  for (const path of [file, join(folder, 'missing')]) {
    const opening = connectUri(`${origin}/x?authorization-file=${path}`);
    await expect(opening).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(opening).rejects.not.toThrow(/secret/);
  }
});

test('Nothing is created on a web server', async () => {
  await expect(createUri(`${origin}/x`, { sizeBytes: 512 })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

test('An image on a web server has the backing files of that server', async () => {
  await using device = await connectUri(`${origin}/images/top.qcow2?format=qcow2&backing=true`);
  const sector = Buffer.alloc(512);
  await device.read(3, [sector]);
  expect(sector.equals(Buffer.alloc(512, 9))).toBe(true);
  expect(device.durability).toEqual({ write: 'server', flush: 'server' });
  const opening = connectUri(`${origin}/images/away.qcow2?format=qcow2&backing=true`);
  await expect(opening).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(/on another server/),
  });
});
