import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CacheDevice } from '@blockyard/cache';
import { DEVICE_CHANNEL, type DeviceOperation } from '@blockyard/layers/tracing';
import { serveNbd } from '@blockyard/nbd';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { connectUri, createUri, URI_EXAMPLES } from './index.js';
import { SCHEMES } from './schemes/all.js';
import { DeviceUri } from './syntax/device-uri.js';

const SECRET = 'hunter2';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-uri-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('memory:', () => {
  test('is as large as it says, in sectors as it says', async () => {
    await using device = await connectUri('memory:?size=1G&sector=4096');
    expect(device.info).toMatchObject({ sectorSize: 4096, sizeSectors: 2 ** 18, readOnly: false });
  });

  test('can be read-only', async () => {
    await using device = await connectUri('memory:?size=1M', { readOnly: true });
    await expect(device.write(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'READ_ONLY' });
  });

  test('cannot be created', async () => {
    await expect(createUri('memory:', { sizeBytes: 512 })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('file:', () => {
  test('is created once, with its sectors, and opened again', async () => {
    const uri = `file:${folder}/made%20one.img?sector=4096`;
    await createUri(uri, { sizeBytes: 2 ** 20 });
    expect((await stat(join(folder, 'made one.img'))).size).toBe(2 ** 20);
    await expect(createUri(uri, { sizeBytes: 2 ** 20 })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await using device = await connectUri(uri);
    expect(device.info).toMatchObject({ sectorSize: 4096, sizeSectors: 256 });
  });

  test('is the same with two slashes more', async () => {
    await writeFile(join(folder, 'slashes.img'), new Uint8Array(1024));
    await using device = await connectUri(`file://${folder}/slashes.img`, { readOnly: true });
    expect(device.info).toMatchObject({ sizeSectors: 2, readOnly: true });
  });

  test('takes its space at once where that is asked for', async () => {
    await createUri(`file:${folder}/reserved.img`, { sizeBytes: 2 ** 20, reserve: true });
    const { size, blocks } = await stat(join(folder, 'reserved.img'));
    expect(size).toBe(2 ** 20);
    expect(blocks * 512).toBeGreaterThanOrEqual(2 ** 20);
  });

  test('of a size that is not whole sectors is not created', async () => {
    const made = createUri(`file:${folder}/odd.img`, { sizeBytes: 1000 });
    await expect(made).rejects.toMatchObject({ code: 'UNALIGNED' });
    await expect(stat(join(folder, 'odd.img'))).rejects.toThrow('ENOENT');
  });

  test('tells its file from one that is put at its path, through a cache too', async () => {
    const place = join(folder, 'told.img');
    const idOf = async (options = {}) => {
      await using device = await connectUri(`file:${place}`, { readOnly: true, ...options });
      return device.fileId;
    };
    await createUri(`file:${place}`, { sizeBytes: 4096 });
    const before = await idOf();
    expect(before).toMatch(/^\d+:\d+$/);
    expect(await idOf({ cacheSizeBytes: 2 ** 20 })).toBe(before);
    await rename(place, `${place}.old`);
    await createUri(`file:${place}`, { sizeBytes: 4096 });
    expect(await idOf()).not.toBe(before);
  });

  test('says what is missing', async () => {
    await expect(connectUri(`file:${folder}/none.img`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(connectUri('file:')).rejects.toThrow(/needs a path/);
    await expect(connectUri('file://host/x')).rejects.toThrow(/has no host/);
  });
});

describe('nbd:', () => {
  test('reaches a server, without the parameters that are not the server’s', async () => {
    const device = await connectUri('memory:?size=1M');
    const path = join(folder, 'nbd.sock');
    const server = await serveNbd({ exports: { disk: device }, listen: { path }, ownsDevices: true });
    try {
      const uri = `nbd+unix:///disk?socket=${path}&sector=4096&connections=2&outage=0s`;
      await using client = await connectUri(uri);
      expect(client.info).toMatchObject({ sectorSize: 4096, sizeSectors: 256 });
      await client.write(0, [new Uint8Array(4096).fill(7)]);
      const read = new Uint8Array(4096);
      await client.read(0, [read]);
      expect(read[0]).toBe(7);
    } finally {
      await server.stop();
    }
  });

  test('that no one answers is UNAVAILABLE', async () => {
    const uri = `nbd+unix:///?socket=${folder}/unused.sock`;
    await expect(connectUri(uri)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('every URI', () => {
  test.each([
    ['ftp://host/x', /unknown scheme "ftp"; there are memory, file, s3, dir, http, https, nbd/],
    ['memory:?size=1G&colour=red', /unknown parameter "colour"; memory: has size, sector/],
    ['memory:?size=junk', /\?size= must be a size/],
    ['memory:?size=1M&sector=1000', /sectorSize must be a power of two/],
    ['file:/x?lock=maybe', /\?lock= must be true or false/],
    ['s3://bucket', /s3:\/\/bucket\/prefix/],
    ['s3://bucket/x?endpoint=localhost:9000', /\?endpoint= must be a URL/],
    ['s3://bucket/x?outage=forever', /\?outage= must be a time/],
    ['s3://bucket/x?timeout=30', /\?timeout= must be a time/],
    ['s3://bucket/x?concurrency=many', /\?concurrency= must be a whole number/],
    ['s3://bucket/x?concurrency=8&min-concurrency=9', /minConcurrency must be an integer from 1 to 8/],
    ['s3://bucket/x?accept-missing=some', /\?accept-missing= must be true or false/],
    ['s3://bucket/x?attempts=0', /maxAttempts must be an integer from 1/],
    ['s3://bucket/x?layout=tree', /\?layout= must be chunks or log/],
    ['s3://bucket/x@2026-01-31T12:00', /reads like 2026-01-31T12:00Z/],
    ['dir:/srv/volumes/x?follow=5', /\?follow= must be a time/],
    ['dir:/srv/volumes/x?segments-in-flight=many', /\?segments-in-flight= must be a whole number/],
    ['dir:/srv/volumes/x?map-memory=lots', /\?map-memory= must be a size/],
    ['dir:/srv/volumes/x?chunk=64K', /unknown parameter "chunk"/],
    ['nbd+unix:///x', /socket=PATH/],
    ['nbd://host/x?connections=many', /\?connections= must be a whole number/],
    [`s3://key:${SECRET}@bucket/x`, /credentials do not belong/],
    [`s3://bucket/x?endpoint=http://key:${SECRET}@host`, /credentials do not belong/],
    [`nbd://user:${SECRET}@host/x`, /no password/],
    [`https://user:${SECRET}@host/x`, /authorization-file/],
    [`https://host`, /names a file/],
    [`gopher://user:${SECRET}@host/x`, /unknown scheme/],
  ])('%s is refused before anything is opened, and no secret is repeated', async (uri, message) => {
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
    await expect(connectUri(uri)).rejects.toEqual(refused);
    await expect(connectUri(uri)).rejects.not.toThrow(SECRET);
  });

  test('has an example, whose parameters are known', async () => {
    expect(URI_EXAMPLES.map((example) => example.split(':')[0])).toEqual([...SCHEMES.keys()]);
    for (const [index, { parameters }] of [...SCHEMES.values()].entries()) {
      new DeviceUri(URI_EXAMPLES[index] ?? '').checkParameters(parameters);
    }
  });

  test('gets a cache on request, which ends with its device', async () => {
    const device = await connectUri('memory:?size=8M', { cacheSizeBytes: 2 ** 20, cache: { readAhead: false } });
    expect(device).toHaveProperty('snapshot');
    await device.disconnect();
    await expect(device.flush()).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  test('with a cache that is too small leaves nothing open', async () => {
    const uri = `file:${folder}/small-cache.img`;
    await createUri(uri, { sizeBytes: 2 ** 20 });
    await expect(connectUri(uri, { cacheSizeBytes: 1 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    // Its lock is free again.
    await (await connectUri(uri)).disconnect();
  });

  test('knows its options', async () => {
    const options = { readonly: true } as object;
    await expect(connectUri('memory:?size=1M', options)).rejects.toThrow('unknown option "readonly"');
  });

  test('with a cache is typed as the device of one', async () => {
    await using cached = await connectUri('memory:?size=8M', { cacheSizeBytes: 2 ** 20 });
    expectTypeOf(cached).toExtend<CacheDevice>();
    expect(cached.snapshot()).toMatchObject({ dirtyBytes: 0 });
  });

  test('tells what its cache asks of it, where that is wanted, under its own name', async () => {
    const told: unknown[] = [];
    const listen = (message: unknown) => told.push(message);
    subscribe(`tracing:${DEVICE_CHANNEL}:start`, listen);
    try {
      for (const traceBase of [false, true]) {
        await using cached = await connectUri('memory:?size=8M', { cacheSizeBytes: 2 ** 20, traceBase });
        expect(cached.info.name).toBe('cache(memory)');
        await cached.read(0, [new Uint8Array(512)]);
      }
      expect(told[0]).toMatchObject({ operation: 'read', device: 'memory', start: 0 });
      const reads = told.filter((each) => (each as DeviceOperation).operation === 'read');
      expect(reads).toHaveLength(1);
    } finally {
      unsubscribe(`tracing:${DEVICE_CHANNEL}:start`, listen);
    }
    await expect(connectUri('memory:?size=8M', { traceBase: 'yes' as never })).rejects.toThrow('traceBase');
  });

  test('is created with a size in sectors where it says how large they are', async () => {
    const uri = `file:${folder}/in-sectors.img`;
    await createUri(`${uri}?sector=4096`, { sizeSectors: 3 });
    expect((await stat(join(folder, 'in-sectors.img'))).size).toBe(3 * 4096);
    for (const size of [{}, { sizeSectors: 3 }, { sizeSectors: 3, sizeBytes: 1536 }]) {
      await expect(createUri(`${uri}.new`, size)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  test('and the options of a creation must agree', async () => {
    const made = createUri(`file:${folder}/two-minds.img?sector=512`, { sizeBytes: 8192, sectorSize: 4096 });
    await expect(made).rejects.toThrow('?sector=512 of the URI is not the 4096 that was asked for');
  });
});

test('the README has every kind of URI and every parameter', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  for (const [name, { parameters }] of SCHEMES) {
    expect(readme).toContain(`${name}:`);
    for (const parameter of parameters) expect(readme).toContain(`\`${parameter}\``);
  }
});
