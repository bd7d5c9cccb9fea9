import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalS3, startLocalS3, startOddStore } from '@blockyard/local-s3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  checkUri,
  cloneUri,
  compactUri,
  connectUri,
  createUri,
  deleteUri,
  inspectUri,
  type ListedVolume,
  layoutOfUri,
  listUri,
  rollBackUri,
  snapshotsOfUri,
  snapshotUri,
} from './index.js';

/** What a store lists: volumes alone. */
async function listVolumes(uri: string): Promise<ListedVolume[]> {
  return (await listUri(uri)).filter((listed): listed is ListedVolume => !('uri' in listed));
}

const SECTOR = 4096;
const SIZE = 2 ** 20;
let folder: string;
let s3: LocalS3;

beforeAll(async () => {
  [folder, s3] = await Promise.all([mkdtemp(join(tmpdir(), 'blockyard-uri-')), startLocalS3()]);
  vi.stubEnv('AWS_ACCESS_KEY_ID', s3.credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', s3.credentials.secretAccessKey);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([rm(folder, { recursive: true }), s3.stop()]);
});

/** The URI of a name in a store, with a moment behind it. */
type At = (name: string, moment?: string) => string;
const inDirectory: At = (name, moment = '') => `dir:${folder}/store/${name}${moment}`;
const inBucket: At = (name, moment = '') =>
  `s3://${s3.bucket}/${name}${moment}?endpoint=${encodeURIComponent(s3.endpoint)}&region=${s3.region}`;

async function write(uri: string, ...values: readonly number[]): Promise<void> {
  const device = await connectUri(uri);
  for (const [sector, value] of values.entries()) await device.write(sector, [new Uint8Array(SECTOR).fill(value)]);
  await device.disconnect();
}

async function firstByteOf(uri: string): Promise<number | undefined> {
  await using device = await connectUri(uri, { readOnly: true });
  const bytes = new Uint8Array(SECTOR);
  await device.read(0, [bytes]);
  return bytes[0];
}

describe.each([
  ['a directory', inDirectory],
  ['S3', inBucket],
])('log volumes in %s', (_, at) => {
  test('are kept, cloned, rolled back, compacted and deleted', async () => {
    const uri = at('web-1');
    await createUri(uri, { sizeBytes: SIZE, layout: 'log' });
    await write(uri, 1);
    expect(await snapshotUri(uri, 'daily')).toMatchObject({ name: 'daily', sizeBytes: SIZE, sectorSize: SECTOR });
    await expect(snapshotUri(uri, 'daily')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await write(uri, 2);
    expect((await snapshotsOfUri(uri)).map(({ name }) => name)).toEqual(['daily']);
    expect(await firstByteOf(at('web-1', '@daily'))).toBe(1);

    const clone = at('tests/web-1');
    await cloneUri(at('web-1', '@daily'), clone);
    expect(await firstByteOf(clone)).toBe(1);
    await write(clone, 3);
    expect(await inspectUri(clone)).toMatchObject({ layout: 'log', cloneOf: { prefix: 'web-1', snapshot: 'daily' } });
    await expect(deleteUri(at('web-1', '@daily'))).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(deleteUri(uri)).rejects.toMatchObject({ code: 'LOCKED' });

    await rollBackUri(at('web-1', '@daily'));
    expect([await firstByteOf(uri), await firstByteOf(clone)]).toEqual([1, 3]);
    await compactUri(uri);
    expect(await checkUri(uri)).toMatchObject({ problems: [] });

    await deleteUri(clone);
    await deleteUri(at('web-1', '@daily'));
    expect(await snapshotsOfUri(uri)).toEqual([]);
    await deleteUri(uri);
    await expect(deleteUri(uri)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(connectUri(uri)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('that are open are not rolled back, compacted or deleted, unless they are taken over', async () => {
    const uri = at('held');
    await createUri(uri, { sizeBytes: SIZE, layout: 'log' });
    const device = await connectUri(uri);
    await device.write(0, [new Uint8Array(SECTOR).fill(1)]);
    await device.flush();
    await snapshotUri(uri, 'daily');
    for (const refused of [() => rollBackUri(at('held', '@daily')), () => compactUri(uri), () => deleteUri(uri)]) {
      await expect(refused()).rejects.toMatchObject({ code: 'LOCKED' });
    }
    await device.write(0, [new Uint8Array(SECTOR).fill(2)]);
    await device.flush();
    await rollBackUri(at('held', '@daily'), { takeOver: true });
    await device.write(0, [new Uint8Array(SECTOR).fill(3)]).catch(() => {});
    await expect(device.flush()).rejects.toMatchObject({ code: 'FENCED' });
    await device.disconnect({ force: true });
    expect(await firstByteOf(uri)).toBe(1);
    await deleteUri(uri, { takeOver: true });
  });
});

test('volumes under a prefix are listed, of both layouts, with what they take, and damaged ones too', async () => {
  const store = await startOddStore();
  const at: At = (name) => `s3://bucket/${name}?endpoint=${encodeURIComponent(store.endpoint)}`;
  await createUri(at('disks/log'), { sizeBytes: SIZE, layout: 'log' });
  await createUri(at('disks/deep/chunks'), { sizeBytes: 2 * SIZE, chunkBytes: 65_536 });
  await createUri(at('other'), { sizeBytes: SIZE });
  await createUri(at('disks/odd'), { sizeBytes: SIZE });
  await write(at('disks/log'), 1, 2, 3);
  await write(at('disks/deep/chunks'), 1);
  await snapshotUri(at('disks/log'), 'daily');
  const odd = store.objects.get('disks/odd/volume.json');
  if (odd === undefined) throw new Error('a volume has a root');
  store.objects.set('disks/odd/volume.json', { ...odd, body: Buffer.from('{}') });
  const held = await connectUri(at('other'));

  const bytesUnder = (prefix: string) =>
    [...store.objects].reduce((sum, [key, { body }]) => sum + (key.startsWith(prefix) ? body.byteLength : 0), 0);
  const [chunks, log, damaged, ...more] = await listVolumes(at('disks'));
  expect(more).toEqual([]);
  expect(chunks).toMatchObject({
    prefix: 'disks/deep/chunks',
    name: 's3://bucket/disks/deep/chunks',
    storedBytes: bytesUnder('disks/deep/chunks/'),
    found: { layout: 'chunks', sizeBytes: 2 * SIZE, objectSizeBytes: 65_536, holder: null },
  });
  expect(log).toMatchObject({
    prefix: 'disks/log',
    storedBytes: bytesUnder('disks/log/'),
    found: { layout: 'log', sizeBytes: SIZE, isEncrypted: false, snapshots: [{ name: 'daily' }] },
  });
  expect(damaged).toMatchObject({ prefix: 'disks/odd', found: { code: 'CORRUPT' } });
  const all = await listVolumes(`s3://bucket?endpoint=${encodeURIComponent(store.endpoint)}`);
  expect(all.map(({ prefix }) => prefix)).toEqual(['disks/deep/chunks', 'disks/log', 'disks/odd', 'other']);
  expect(all.at(-1)?.found).toMatchObject({ holder: { process: process.pid } });
  expect((await listVolumes(at('disks/log'))).map(({ prefix }) => prefix)).toEqual(['disks/log']);
  expect(await listVolumes(at('none'))).toEqual([]);
  await held.disconnect();
  await store.stop();
});

test('all volumes of a directory are listed by its path', async () => {
  for (const name of ['b', 'a/c']) await createUri(`dir:${folder}/listed/${name}`, { sizeBytes: SIZE });
  const found = await listVolumes(`dir:${folder}/listed`);
  expect(found.map(({ prefix }) => prefix)).toEqual(['a/c', 'b']);
  await expect(listVolumes(`dir:${folder}/none`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a volume of chunks is inspected and deleted, also what is left of one, and has no past', async () => {
  const store = await startOddStore();
  const at = (moment = '') => `s3://bucket/disk${moment}?endpoint=${encodeURIComponent(store.endpoint)}`;
  await createUri(at(), { sizeBytes: SIZE });
  await write(at(), 1);
  expect(await layoutOfUri(at())).toBe('chunks');
  expect(await inspectUri(at())).toMatchObject({ layout: 'chunks', sizeBytes: SIZE, sectorSize: SECTOR, epoch: 1 });
  expect(await inspectUri(at())).not.toHaveProperty('space');
  const [dataBytes] = [...store.objects].flatMap(([key, { body }]) => (key.includes('/data/') ? [body.length] : []));
  expect(await inspectUri(at(), { measure: true })).toMatchObject({ epoch: 1, space: { dataBytes, objects: 1 } });
  for (const refused of [
    () => snapshotUri(at(), 'daily'),
    () => snapshotsOfUri(at()),
    () => cloneUri(at('@daily'), at().replace('disk', 'other')),
    () => rollBackUri(at('@daily')),
    () => deleteUri(at('@daily')),
    () => compactUri(at()),
    () => checkUri(at()),
  ]) {
    await expect(refused()).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('no past') });
  }
  store.objects.delete('disk/volume.json');
  await deleteUri(at());
  expect(store.objects.size).toBe(0);
  await expect(deleteUri(at())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await store.stop();
});

test('a volume of chunks that is open is not deleted, unless it is taken over', async () => {
  const uri = inBucket('held-chunks');
  await createUri(uri, { sizeBytes: SIZE });
  const held = await connectUri(uri);
  expect(await inspectUri(uri)).toMatchObject({ holder: { process: process.pid, state: 'alive' } });
  await expect(deleteUri(uri)).rejects.toMatchObject({ code: 'LOCKED' });
  await deleteUri(uri, { takeOver: true });
  await held.disconnect({ force: true });
  await expect(connectUri(uri)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a volume whose root cannot be read is deleted by who takes it over, of either layout', async () => {
  const store = await startOddStore();
  const uri = `s3://bucket/disk?endpoint=${encodeURIComponent(store.endpoint)}`;
  for (const layout of ['log', 'chunks'] as const) {
    await createUri(uri, { sizeBytes: SIZE, layout });
    await write(uri, 1);
    const root = store.objects.get('disk/volume.json');
    if (root === undefined) throw new Error('a volume has a root');
    store.objects.set('disk/volume.json', { ...root, body: Buffer.from('{}') });
    await expect(deleteUri(uri)).rejects.toMatchObject({ code: 'CORRUPT' });
    await deleteUri(uri, { takeOver: true });
    expect(store.objects.size).toBe(0);
  }
  await store.stop();
});

test('a clone lies in the store of its volume', async () => {
  const uri = `dir:${folder}/one-store/a`;
  await createUri(uri, { sizeBytes: SIZE });
  await createUri(`dir:${folder}/another-store/a`, { sizeBytes: SIZE });
  await snapshotUri(uri, 'daily');
  const elsewhere = cloneUri(`${uri}@daily`, `dir:${folder}/another-store/b`);
  await expect(elsewhere).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(cloneUri(`${uri}@daily`, inBucket('b'))).rejects.toThrow('lies in the store of its volume');
  await expect(cloneUri(`${uri}@daily`, uri)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  await expect(cloneUri(uri, `dir:${folder}/one-store/b`)).rejects.toThrow(/URI@NAME/);
});

test('a check tells what is missing, and what is left over', async () => {
  const store = await startOddStore();
  const uri = `s3://bucket/disk?endpoint=${encodeURIComponent(store.endpoint)}`;
  await createUri(uri, { sizeBytes: SIZE, layout: 'log' });
  await write(uri, 1, 2, 3);
  const segment = [...store.objects.keys()].find((key) => key.startsWith('disk/log/'));
  const kept = store.objects.get(segment ?? '');
  if (segment === undefined || kept === undefined) throw new Error('a volume that was written has a segment');
  const orphan = 'disk/log/0000000000ff-00000001';
  store.objects.set(orphan, kept);
  const progress: number[] = [];
  const whole = await checkUri(uri, { onProgress: ({ bytes }) => progress.push(bytes) });
  expect(whole).toMatchObject({ problems: [], orphans: [{ key: orphan, sizeBytes: kept.body.byteLength }] });
  expect(progress.at(-1)).toBe(whole.bytes);
  const body = Buffer.from(kept.body);
  body[200] = (body[200] ?? 0) ^ 1;
  store.objects.set(segment, { ...kept, body });
  const faulty = await checkUri(uri);
  expect(faulty.problems).toMatchObject([{ url: expect.stringContaining(segment), error: { code: 'CORRUPT' } }]);
  await store.stop();
});

test('what a writer deletes during a check is no fault', async () => {
  const store = await startOddStore();
  const uri = `s3://bucket/disk?endpoint=${encodeURIComponent(store.endpoint)}`;
  await createUri(uri, { sizeBytes: SIZE, layout: 'log' });
  await write(uri, 1);
  let refusals = 0;
  store.answer = (request, honest) => {
    const isFirst = refusals === 0 && request.method === 'GET' && request.key.startsWith('disk/log/000000000001-');
    if (isFirst) refusals++;
    return honest(isFirst ? { ...request, key: 'disk/log/deleted' } : request);
  };
  expect(await checkUri(uri)).toMatchObject({ problems: [] });
  expect(refusals).toBe(1);
  await store.stop();
});

test('what is no volume is refused', async () => {
  for (const refused of [
    () => inspectUri('memory:?size=1M'),
    () => listVolumes(`file:${folder}`),
    () => deleteUri('file:/none'),
  ]) {
    await expect(refused()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  }
  expect(await layoutOfUri('memory:?size=1M')).toBeUndefined();
  const uri = `dir:${folder}/moments/a`;
  await createUri(uri, { sizeBytes: SIZE });
  expect(await layoutOfUri(uri)).toBe('log');
  expect(await layoutOfUri(`${uri}@daily`)).toBeUndefined();
  await expect(inspectUri(`${uri}@daily`)).rejects.toThrow(/leave the @ out/);
  await expect(deleteUri(`${uri}@2026-01-31T12:00Z`)).rejects.toThrow(/a time cannot be deleted/);
});

test('the URI of a clone says nothing that its volume is not, and then no clone is made', async () => {
  const [one, other] = [`${folder}/passphrase-one`, `${folder}/passphrase-other`];
  await Promise.all([writeFile(one, 'one'), writeFile(other, 'other')]);
  const at: At = (name, moment = '') => `dir:${folder}/agreeing/${name}${moment}`;
  await createUri(at('plain'), { sizeBytes: SIZE });
  await createUri(`${at('secret')}?passphrase-file=${one}`, { sizeBytes: SIZE });
  await snapshotUri(at('plain'), 'daily');
  await snapshotUri(`${at('secret')}?passphrase-file=${one}`, 'daily');
  const plain = at('plain', '@daily');
  const secret = `${at('secret', '@daily')}?passphrase-file=${one}`;
  for (const [from, query, said] of [
    [plain, `passphrase-file=${one}`, 'the secret of its volume'],
    [secret, `passphrase-file=${other}`, 'the secret of its volume'],
    [plain, 'sector=512', '?sector=4096, not 512'],
    [plain, 'layout=chunks', 'layout log, not chunks'],
  ] as const) {
    const refused = cloneUri(from, `${at('clone')}?${query}`);
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(said) });
  }
  await expect(inspectUri(at('clone'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await cloneUri(plain, `${at('clone')}?sector=4096&layout=log`);
  await cloneUri(secret, `${at('secret-clone')}?passphrase-file=${one}`);
});

test('an encrypted volume is opened, listed and cloned with its passphrase alone', async () => {
  const file = join(folder, 'passphrase');
  await writeFile(file, 'correct horse battery staple\n');
  await writeFile(`${file}-wrong`, 'incorrect horse');
  const uri = `dir:${folder}/encrypted/a`;
  await createUri(uri, { sizeBytes: SIZE, encrypt: true, passphraseFile: file });
  await createUri(`dir:${folder}/encrypted/plain`, { sizeBytes: SIZE });
  const query = `?passphrase-file=${file}`;
  await write(`${uri}${query}`, 7);
  expect(await firstByteOf(`${uri}${query}`)).toBe(7);
  await expect(connectUri(uri)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  await expect(connectUri(`${uri}${query}-wrong`)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  await expect(connectUri(`dir:${folder}/encrypted/plain${query}`)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await snapshotUri(`${uri}${query}`, 'daily');
  await cloneUri(`${uri}@daily${query}`, `dir:${folder}/encrypted/b`);
  expect(await firstByteOf(`dir:${folder}/encrypted/b${query}`)).toBe(7);
  expect((await listVolumes(`dir:${folder}/encrypted${query}`)).map(({ found }) => found)).toMatchObject([
    { isEncrypted: true },
    { isEncrypted: true },
    { isEncrypted: false },
  ]);
  expect(await listVolumes(`dir:${folder}/encrypted`)).toMatchObject([
    { layout: 'log', found: { code: 'ACCESS_DENIED' } },
    { layout: 'log', found: { code: 'ACCESS_DENIED' } },
    { layout: 'log', found: { isEncrypted: false } },
  ]);
});
