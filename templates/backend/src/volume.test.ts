import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectUri, createUri, deleteUri, registerScheme } from '@blockyard/uri';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectTemplate, createTemplate, deleteTemplate, schemes } from './index.js';

const SECTOR = 4096;
const SIZE = { sizeSectors: 64, sectorSize: SECTOR, chunkBytes: 8 * SECTOR };
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-template-'));
  path = join(folder, 'one');
});
afterEach(() => rm(folder, { recursive: true }));

async function firstByte(sector: number): Promise<number | undefined> {
  await using device = await connectTemplate({ path, readOnly: true });
  const bytes = new Uint8Array(SECTOR);
  await device.read(sector, [bytes]);
  return bytes[0];
}

test('a volume is made once, also where two make it at once', async () => {
  const made = await Promise.allSettled([createTemplate({ path, ...SIZE }), createTemplate({ path, ...SIZE })]);
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  await expect(createTemplate({ path, ...SIZE })).rejects.toMatchObject({
    code: 'ALREADY_EXISTS',
    operation: 'create',
  });
});

test('what is not there is NOT_FOUND', async () => {
  await expect(connectTemplate({ path })).rejects.toMatchObject({ code: 'NOT_FOUND', operation: 'connect' });
  await expect(deleteTemplate({ path })).rejects.toMatchObject({ code: 'NOT_FOUND', operation: 'delete' });
});

test('one writer has a volume, or several readers have it', async () => {
  await createTemplate({ path, ...SIZE });
  const writer = await connectTemplate({ path });
  for (const open of [
    () => connectTemplate({ path }),
    () => connectTemplate({ path, readOnly: true }),
    () => deleteTemplate({ path }),
  ])
    await expect(open()).rejects.toMatchObject({ code: 'LOCKED' });
  await writer.disconnect();
  const readers = [await connectTemplate({ path, readOnly: true }), await connectTemplate({ path, readOnly: true })];
  await expect(connectTemplate({ path })).rejects.toMatchObject({ code: 'LOCKED' });
  for (const reader of readers) await reader.disconnect();
  await (await connectTemplate({ path })).disconnect();
});

test('what is deleted is gone, and a new volume there begins as zeroes', async () => {
  await createTemplate({ path, ...SIZE });
  const device = await connectTemplate({ path });
  await device.write(3, [new Uint8Array(SECTOR).fill(9)]);
  await device.disconnect();
  const [chunk = ''] = (await readdir(path)).filter((name) => name.startsWith('chunk-'));
  const bytes = await readFile(join(path, chunk));
  await deleteTemplate({ path });
  expect(await readdir(folder)).toEqual([]);
  await createTemplate({ path, ...SIZE });
  expect(await firstByte(3)).toBe(0);
  // As a deletion leaves it that ends half way.
  await deleteTemplate({ path });
  await createTemplate({ path, ...SIZE });
  await rm(join(path, 'volume.json'));
  await writeFile(join(path, chunk), bytes);
  await expect(connectTemplate({ path })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await createTemplate({ path, ...SIZE });
  expect(await firstByte(3)).toBe(0);
});

test('what a shrinking left past the end does not come back', async () => {
  await createTemplate({ path, ...SIZE });
  const device = await connectTemplate({ path });
  await device.write(20, [new Uint8Array(SECTOR).fill(9)]);
  await device.disconnect();
  // The header is written first: as if the process had ended behind it.
  const header = join(path, 'volume.json');
  await writeFile(header, (await readFile(header, 'utf8')).replace('"sizeSectors":64', '"sizeSectors":10'));
  const again = await connectTemplate({ path });
  await again.resize(64);
  await again.disconnect();
  expect(await firstByte(20)).toBe(0);
});

test.each([
  ['that is no JSON', () => 'junk', 'CORRUPT'],
  ['of another format', (text: string) => text.replace('blockyard-', 'other-'), 'CORRUPT'],
  ['with an odd sector', (text: string) => text.replace('4096', '4095'), 'CORRUPT'],
  ['of a later version', (text: string) => text.replace('"version":1', '"version":2'), 'UNSUPPORTED'],
])('a header %s is refused, and the lock is free afterwards', async (_what, change, code) => {
  await createTemplate({ path, ...SIZE });
  const header = join(path, 'volume.json');
  const text = await readFile(header, 'utf8');
  await writeFile(header, change(text));
  await expect(connectTemplate({ path })).rejects.toMatchObject({ code });
  await writeFile(header, text);
  await (await connectTemplate({ path })).disconnect();
});

test('a chunk of the wrong length is CORRUPT, and the others can be read', async () => {
  await createTemplate({ path, ...SIZE });
  await using device = await connectTemplate({ path });
  await device.write(0, [new Uint8Array(9 * SECTOR).fill(9)]);
  await writeFile(join(path, 'chunk-0000000000000000'), 'short');
  await expect(device.read(0, [new Uint8Array(SECTOR)])).rejects.toMatchObject({ code: 'CORRUPT' });
  await device.read(8, [new Uint8Array(SECTOR)]);
});

test.each<[string, object | undefined]>([
  ['no options', undefined],
  ['no path', {}],
  ['an empty path', { path: '' }],
  ['a path with a NUL', { path: 'a\0b' }],
  ['readOnly that is neither true nor false', { path: 'x', readOnly: 'yes' }],
  ['an unknown option', { path: 'x', readonly: true }],
])('with %s, connecting is refused', async (_what, options) => {
  await expect(connectTemplate(options as { path: string })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test.each<[string, object, string]>([
  ['no size', { sizeSectors: undefined }, 'INVALID_ARGUMENT'],
  ['two sizes', { sizeBytes: 64 * SECTOR }, 'INVALID_ARGUMENT'],
  ['bytes that are no sectors', { sizeSectors: undefined, sizeBytes: 1000 }, 'UNALIGNED'],
  ['an odd sector', { sectorSize: 1000 }, 'INVALID_ARGUMENT'],
  ['chunks that are no sectors', { chunkBytes: SECTOR + 512 }, 'UNALIGNED'],
  ['chunks smaller than a sector', { chunkBytes: 512 }, 'INVALID_ARGUMENT'],
  ['an unknown option', { chunkbytes: 8192 }, 'INVALID_ARGUMENT'],
])('with %s, nothing is created', async (_what, options, code) => {
  await expect(createTemplate({ path, ...SIZE, ...options })).rejects.toMatchObject({ code });
  expect(await readdir(folder)).toEqual([]);
});

test('a URI names a volume', async () => {
  for (const [name, scheme] of Object.entries(schemes)) registerScheme(name, scheme);
  const uri = `template:${path}`;
  await createUri(`${uri}?sector=512`, { sizeBytes: 8192, chunkBytes: 2048 });
  await expect(createUri(uri, { sizeBytes: 8192 })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  const device = await connectUri(uri, { cacheSizeBytes: 2 ** 20 });
  expect(device.info).toMatchObject({ sectorSize: 512, sizeSectors: 16 });
  expect(device.durability).toEqual({ write: 'memory', flush: 'local' });
  await device.disconnect();
  await expect(connectUri(`${uri}?sector=4096`)).rejects.toThrow('was created with ?sector=512');
  await deleteUri(uri);
  await expect(connectUri(uri)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
