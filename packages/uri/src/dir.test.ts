import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectUri, createUri } from './index.js';

const SECTOR = 4096;
const SIZE = 2 ** 20;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-uri-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('dir:', () => {
  test('is created once, with its sectors, opened again, and keeps its data', async () => {
    const uri = `dir:${folder}/first/web-1?sector=512`;
    await createUri(uri, { sizeBytes: SIZE });
    await expect(createUri(uri, { sizeBytes: SIZE })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    const device = await connectUri(uri);
    expect(device.info).toMatchObject({ sectorSize: 512, sizeSectors: 2048, readOnly: false });
    expect(device).toMatchObject({ layout: 'log', heldBy: null });
    await device.write(3, [new Uint8Array(512).fill(9)]);
    await device.disconnect();
    await using again = await connectUri(`dir://${folder}/first/web-1`, { readOnly: true });
    const read = new Uint8Array(512);
    await again.read(3, [read]);
    expect(read[511]).toBe(9);
    await expect(connectUri(uri.replace('=512', '=4096'))).rejects.toThrow('was created with ?sector=512, not 4096');
    await expect(connectUri(`${uri}&layout=chunks`)).rejects.toThrow('layout log, not chunks');
    await connectUri(`${uri}&layout=log`).then((logOf) => logOf.disconnect());
  });

  test('has volumes beside each other in one store, by any path below it', async () => {
    const store = join(folder, 'several');
    for (const name of ['a', 'disks/b', 'disks/c']) await createUri(`dir:${store}/${name}`, { sizeBytes: SIZE });
    expect((await readdir(store)).sort()).toEqual(['.blockyard-objects', '.lock', '.new', 'a', 'disks']);
    for (const name of ['a', 'disks/b', 'disks/c']) {
      await using device = await connectUri(`dir:${store}/${name}`, { readOnly: true });
      expect(device.info.sizeSectors).toBe(SIZE / SECTOR);
    }
  });

  test('has a store of its own where the folder holds other things, and others can be put beside it', async () => {
    const other = join(folder, 'other');
    await mkdir(other);
    await writeFile(join(other, 'disk.img'), '');
    const uri = `dir:${other}/web-2`;
    await createUri(uri, { sizeBytes: SIZE });
    await createUri(`${uri}/test`, { sizeBytes: 2 * SIZE });
    expect((await readdir(other)).sort()).toEqual(['disk.img', 'web-2']);
    await using device = await connectUri(uri);
    expect(device.info).toMatchObject({
      name: expect.stringContaining('/other/web-2/volume'),
      sizeSectors: SIZE / SECTOR,
    });
    await using beside = await connectUri(`${uri}/test`);
    expect(beside.info.sizeSectors).toBe((2 * SIZE) / SECTOR);
  });

  test('tells what went to its store, by class, also through a cache and when it is only read', async () => {
    const uri = `dir:${folder}/counted/web-1`;
    await createUri(uri, { sizeBytes: SIZE });
    const device = await connectUri(uri, { cacheSizeBytes: SIZE });
    const opened = device.storeTraffic?.();
    await device.write(0, [new Uint8Array(SECTOR).fill(1)]);
    await device.flush();
    expect(device.storeTraffic?.().classes.log).toMatchObject({
      requests: { put: 1 },
      uploadBytes: expect.any(Number),
    });
    expect(opened?.classes.root?.requests.put).toBeGreaterThan(0);
    expect(opened?.classes.log?.requests.put ?? 0).toBe(0);
    await device.disconnect();
    await using reader = await connectUri(uri, { readOnly: true });
    await reader.read(0, [new Uint8Array(SECTOR)]);
    const read = reader.storeTraffic?.();
    expect(read?.classes.log?.downloadBytes).toBeGreaterThanOrEqual(SECTOR);
    expect(read?.classes.root?.requests.get).toBeGreaterThan(0);
    await using memory = await connectUri('memory:?size=1M', { cacheSizeBytes: SIZE });
    expect(memory.storeTraffic).toBeUndefined();
  });

  test('that makes no sense leaves nothing behind', async () => {
    const uri = `dir:${folder}/none/web-1`;
    await expect(createUri(uri, { sizeBytes: 1000 })).rejects.toMatchObject({ code: 'UNALIGNED' });
    await expect(createUri(uri, { sizeBytes: SIZE, chunkBytes: 65_536 })).rejects.toThrow('of layout log, not chunks');
    await expect(createUri(uri, { sizeBytes: SIZE, layout: 'chunks' })).rejects.toThrow('of layout log, not chunks');
    await expect(createUri(uri, { sizeBytes: SIZE, reserve: true })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(createUri(`${uri}@daily`, { sizeBytes: SIZE })).rejects.toThrow('the past cannot be created');
    expect(await readdir(folder)).not.toContain('none');
  });

  test('says what is missing', async () => {
    await expect(connectUri(`dir:${folder}/nowhere/web-1`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await createUri(`dir:${folder}/there/web-1`, { sizeBytes: SIZE });
    await expect(connectUri(`dir:${folder}/there/web-2`)).rejects.toThrow(
      /no volume here: .*there\/web-2\/volume.json/,
    );
    await expect(connectUri('dir:')).rejects.toThrow(/needs a path/);
    await expect(connectUri('dir://host/x')).rejects.toThrow(/has no host/);
  });
});

describe('a moment of the past', () => {
  test('is read, by its name or its time, and not written', async () => {
    const uri = `dir:${folder}/past/web-1`;
    await createUri(uri, { sizeBytes: SIZE });
    const device = await connectUri(uri);
    await device.write(0, [new Uint8Array(SECTOR).fill(1)]);
    await device.flush();
    const { takeSnapshot } = await import('@blockyard/backend-log');
    const { openDirectoryStore } = await import('@blockyard/object-store/directory');
    const store = await openDirectoryStore({ path: join(folder, 'past') });
    const { created } = await takeSnapshot({ store, prefix: 'web-1' }, 'daily');
    store.close();
    // What comes later is of a later time.
    while (Date.now() <= Date.parse(created)) await new Promise((resolve) => setImmediate(resolve));
    await device.write(0, [new Uint8Array(SECTOR).fill(2)]);
    await device.disconnect();
    for (const moment of ['daily', created]) {
      await using past = await connectUri(`${uri}@${moment}`);
      expect(past.info.readOnly).toBe(true);
      const read = new Uint8Array(SECTOR);
      await past.read(0, [read]);
      expect(read[0]).toBe(1);
      await expect(past.write(0, [read])).rejects.toMatchObject({ code: 'READ_ONLY' });
    }
    await expect(connectUri(`${uri}@weekly`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(connectUri(`${uri}@2001-01-31T12:00Z`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is refused where there is none, and an @ of a name stays one', async () => {
    const uri = `file:${folder}/me@home.img`;
    await createUri(uri, { sizeBytes: SIZE });
    await (await connectUri(uri)).disconnect();
    await expect(connectUri(`${uri}@daily`)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('file: has no past'),
    });
  });
});

describe('a secret', () => {
  const uri = (name: string, query: string) => `dir:${folder}/secret/${name}?${query}`;

  test.each([
    ['passphrase-file', ''],
    ['passphrase-file', 'two\nlines'],
    ['passphrase-file', 'x'.repeat(5000)],
    ['passphrase-file', Uint8Array.of(0x61, 0xff)],
    ['key-file', 'x'.repeat(31)],
    ['key-file', 'x'.repeat(33)],
  ])('in %s that cannot be one is refused before anything is made, and not repeated', async (name, contents) => {
    const path = join(folder, 'wrong-secret');
    await writeFile(path, contents);
    const made = createUri(uri('wrong', `${name}=${path}`), { sizeBytes: SIZE });
    await expect(made).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(name) });
    await expect(made).rejects.not.toThrow(/two|xxx/);
    expect(await readdir(folder)).not.toContain('secret');
  });

  test('that is not there is INVALID_ARGUMENT, and so are two', async () => {
    for (const query of [`passphrase-file=${folder}/none`, `key-file=${folder}/none`]) {
      await expect(connectUri(uri('none', query))).rejects.toThrow(/cannot be read: ENOENT/);
    }
    await expect(connectUri(uri('none', 'passphrase-file=a&key-file=b'))).rejects.toThrow(/not both/);
  });

  test('is wanted by who asks for encryption, and wants it', async () => {
    await writeFile(join(folder, 'passphrase'), 'correct horse\n');
    const plain = uri('none', '');
    await expect(createUri(plain, { sizeBytes: SIZE, encrypt: true })).rejects.toThrow(/takes a passphrase/);
    const both = { sizeBytes: SIZE, encrypt: false, passphraseFile: join(folder, 'passphrase') };
    await expect(createUri(plain, both)).rejects.toThrow(/leave one out/);
    const file = createUri(`file:${folder}/no.img`, { sizeBytes: SIZE, passphraseFile: join(folder, 'passphrase') });
    await expect(file).rejects.toThrow(/only a volume of layout log can be encrypted/);
    expect(await readdir(folder)).not.toContain('secret');
  });
});
