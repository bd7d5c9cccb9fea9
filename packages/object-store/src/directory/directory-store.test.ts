import { readdir, readFile, rmdir, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { ObjectStore, PutResult } from '../store.js';
import { temporaryDirectories } from '../testing/directories.js';
import { WatchedDisk } from '../testing/watched-disk.js';
import { encodeHeader } from './header.js';
import { openDirectoryStore } from './index.js';

const directory = temporaryDirectories();

let path: string;
let disk: WatchedDisk;
let store: ObjectStore;
beforeEach(async () => {
  path = await directory();
  disk = new WatchedDisk(path);
  store = await openDirectoryStore({ path, create: true, disk });
  disk.calls.length = 0;
});

const body = (text: string) => Buffer.from(text);

async function stored(key: string, text: string): Promise<string> {
  const result = await store.put(key, body(text), 'absent', `stamp of ${text.slice(0, 5)}`);
  if (result.kind !== 'stored') throw new Error(`${key}: ${result.kind}`);
  return result.etag;
}

const failing = (call: string, code: string) => (made: string) => {
  if (made === call) throw Object.assign(new Error(`${code}: ${call}`), { code });
};

async function left(): Promise<string[]> {
  return readdir(join(path, '.new'));
}

describe('what is on the disk', () => {
  test('is as the README says', async () => {
    await stored('disks/a/volume.json', 'hello');
    const file = await readFile(join(path, 'disks', 'a', 'volume.json@1'));
    const etag = (await store.head('disks/a/volume.json'))?.etag ?? '';
    const header = encodeHeader({
      key: 'disks/a/volume.json',
      version: etag.replaceAll('"', ''),
      sizeBytes: 5,
      stamp: 'stamp of hello',
    });
    expect(file).toEqual(Buffer.concat([header, body('hello')]));
    expect(await readFile(join(path, '.blockyard-objects'), 'utf8')).toBe(
      '{"format":"blockyard-objects","version":1}\n',
    );
    expect((await readdir(path)).sort()).toEqual(['.blockyard-objects', '.lock', '.new', 'disks']);
  });

  test('is enough without the directories that are empty, as in a copy that left them out', async () => {
    await stored('disks/a', '1');
    await rmdir(join(path, '.new'));
    const copy = await openDirectoryStore({ path });
    expect(await copy.put('disks/b', body('2'), 'absent', 'stamp')).toMatchObject({ kind: 'stored' });
    copy.close();
    expect(await left()).toEqual([]);
  });

  test('that is not an object is not listed, and is no obstacle', async () => {
    await stored('a', '1');
    await writeFile(join(path, 'README'), 'not mine');
    await writeFile(join(path, 'b@2'), 'of a later format');
    const found: string[] = [];
    for await (const page of store.list('')) found.push(...page.map(({ key }) => key));
    expect(found).toEqual(['a']);
  });

  test.each([
    ['truncated', (file: string) => truncate(file, 100)],
    ['truncated within its header', (file: string) => truncate(file, 10)],
    ['emptied', (file: string) => truncate(file, 0)],
    ['grown', (file: string) => writeFile(file, 'more', { flag: 'a' })],
    ['another object', async (file: string) => writeFile(file, await readFile(join(path, 'b@1')))],
  ])('and was %s is CORRUPT', async (_, damage) => {
    await stored('a', 'x'.repeat(200));
    await stored('b', 'x'.repeat(200));
    await damage(join(path, 'a@1'));
    await expect(store.head('a')).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('a@1') });
    expect(await store.put('a', body('new'), { etag: '"x"' }, 'new')).toMatchObject({
      kind: 'failed',
      late: false,
      error: { code: 'CORRUPT' },
    });
    const { size: sizeBytes } = await stat(join(path, 'a@1'));
    const listed: unknown[] = [];
    for await (const page of store.list('a')) listed.push(...page);
    expect(listed).toEqual([{ key: 'a', etag: '""', sizeBytes, modifiedMs: expect.any(Number) }]);
    expect(await store.delete([{ key: 'a' }])).toEqual(['gone']);
    expect(await store.head('a')).toBeUndefined();
  });
});

describe('what is durable', () => {
  test('is an object before it has its name, its name before it is answered, and the directories that are made for it', async () => {
    await stored('disks/a/b', 'hello');
    expect(disk.calls).toEqual([
      'mkdir disks',
      'sync .',
      'mkdir disks/a',
      'sync disks',
      'write .new/*',
      'write .new/*',
      'sync .new/*',
      'link disks/a/b@1',
      'sync disks/a',
      'unlink .new/*',
    ]);
  });

  test('is what replaces an object, in the same way', async () => {
    const etag = await stored('a', 'old');
    disk.calls.length = 0;
    await store.put('a', body('new'), { etag }, 'new');
    expect(disk.calls).toEqual([
      'write .new/*',
      'write .new/*',
      'sync .new/*',
      'rename a@1',
      'sync .',
      'unlink .new/*',
    ]);
  });

  test('is that an object is gone', async () => {
    await stored('a', '1');
    await stored('b/c', '1');
    disk.calls.length = 0;
    await store.delete([{ key: 'a' }, { key: 'b/c' }, { key: 'b/d' }]);
    expect(disk.calls).toEqual(['unlink a@1', 'unlink b/c@1', 'unlink b/d@1', 'sync .', 'sync b']);
  });

  test('is an object that is found to be our own of before', async () => {
    disk.onCall = failing('sync .', 'EIO');
    expect(await store.put('a', body('1'), 'absent', 'mine')).toMatchObject({ kind: 'failed', late: true });
    disk.onCall = () => {};
    disk.calls.length = 0;
    expect(await store.put('a', body('1'), 'absent', 'mine')).toMatchObject({ kind: 'stored' });
    expect(disk.calls.slice(-3)).toEqual(['link a@1', 'sync .', 'unlink .new/*']);
  });
});

describe('a PUT that fails', () => {
  const put = (condition: 'absent' | { etag: string }): Promise<PutResult> =>
    store.put('a', body('new'), condition, 'new');

  test.each(['write .new/*', 'sync .new/*'])(
    'before the object has its name (%s) has certainly changed nothing',
    async (call) => {
      disk.onCall = failing(call, 'ENOSPC');
      expect(await put('absent')).toMatchObject({ kind: 'failed', late: false, error: { code: 'NO_SPACE' } });
      expect(await store.head('a')).toBeUndefined();
      expect(await left()).toEqual([]);
    },
  );

  test.each(['link a@1', 'sync .'])('while it gets its name (%s) leaves open whether it has it', async (call) => {
    disk.onCall = failing(call, 'EIO');
    expect(await put('absent')).toMatchObject({ kind: 'failed', late: true, error: { code: 'IO' } });
    expect(await left()).toEqual([]);
  });

  test('to replace an object leaves the old one, or the new one', async () => {
    const etag = await stored('a', 'old');
    disk.onCall = failing('rename a@1', 'EIO');
    expect(await put({ etag })).toMatchObject({ kind: 'failed', late: true });
    expect((await store.head('a'))?.etag).toBe(etag);
    expect(await left()).toEqual([]);
  });

  test('on a file system without hard links says so', async () => {
    disk.onCall = failing('link a@1', 'EPERM');
    expect(await put('absent')).toMatchObject({ kind: 'failed', late: false, error: { code: 'UNSUPPORTED' } });
    disk.onCall = (call) => {
      if (call.startsWith('link ')) throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
    };
    await expect(store.probe({ scratchPrefix: 'probe-' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

test('a delete that fails is told for its key, and the others are gone', async () => {
  await stored('a', '1');
  await stored('b', '1');
  disk.onCall = failing('unlink a@1', 'EACCES');
  expect(await store.delete([{ key: 'a' }, { key: 'b' }])).toEqual([
    expect.objectContaining({ code: 'ACCESS_DENIED' }),
    'gone',
  ]);
  expect(await store.head('b')).toBeUndefined();
});

test('a read goes on with the version that it began with, though it was replaced meanwhile', async () => {
  const etag = await stored('a', 'old '.repeat(200_000));
  const pieces: Buffer[] = [];
  let replacing: Promise<unknown> | undefined;
  await store.get('a', { offset: 0, lengthBytes: 800_000 }, () => ({
    push: (piece) => {
      replacing ??= store.put('a', body('new'), { etag }, 'new');
      pieces.push(Buffer.from(piece));
    },
    end: () => {},
  }));
  expect(await replacing).toMatchObject({ kind: 'stored' });
  expect(Buffer.concat(pieces).equals(body('old '.repeat(200_000)))).toBe(true);
});

describe('a directory', () => {
  test('that is not there, or is not a store, is NOT_FOUND', async () => {
    for (const none of [join(path, 'nothing'), join(path, '.new')]) {
      await expect(openDirectoryStore({ path: none })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining(none),
      });
    }
  });

  test('is made with those above it, and made a store of, if that is asked for', async () => {
    const deep = join(path, 'x', 'y');
    const made = await openDirectoryStore({ path: deep, create: true });
    await made.put('a', body('1'), 'absent', '1');
    expect(await (await openDirectoryStore({ path: deep })).head('a')).toBeDefined();
    expect(await (await openDirectoryStore({ path: deep, create: true })).head('a')).toBeDefined();
  });

  test('that has something else in it is not made a store of', async () => {
    const other = await directory();
    await writeFile(join(other, 'letter.txt'), 'mine');
    await expect(openDirectoryStore({ path: other, create: true })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await readdir(other)).toEqual(['letter.txt']);
  });

  test('of a later format is UNSUPPORTED, and one that says nothing CORRUPT', async () => {
    const marker = join(path, '.blockyard-objects');
    await writeFile(marker, '{"format":"blockyard-objects","version":2}');
    await expect(openDirectoryStore({ path })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    for (const text of ['', 'null', '{"format":"blockyard-objects"}', '{"version":1}']) {
      await writeFile(marker, text);
      await expect(openDirectoryStore({ path }), text).rejects.toMatchObject({ code: 'CORRUPT' });
    }
  });

  test('loses what a process left there that died over a PUT, once it is a day old', async () => {
    for (const name of ['old', 'young']) await writeFile(join(path, '.new', name), 'left');
    const yesterday = Date.now() / 1000 - 90_000;
    await utimes(join(path, '.new', 'old'), yesterday, yesterday);
    await openDirectoryStore({ path });
    expect(await left()).toEqual(['young']);
  });
});

test.each([
  { path: '' },
  { path: 7 as unknown as string },
  { path: 'x', create: 1 as unknown as boolean },
  { path: 'x', maxLockWaitMs: -1 },
  { path: 'x', nothing: 1 },
])('%j are no options', async (options) => {
  await expect(openDirectoryStore(options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('the classes of traffic are told', async () => {
  const classed = await openDirectoryStore({ path, classOf: (key) => key.split('/')[0] ?? '' });
  await classed.put('data/1', body('hello'), 'absent', 'stamp');
  await classed.get('data/1', { offset: 1, lengthBytes: 3 }, () => ({ push() {}, end() {} }));
  await classed.head('root');
  for await (const _ of classed.list('data/'));
  await classed.delete([{ key: 'root' }]);
  expect(classed.traffic.classes).toMatchObject({
    data: { requests: { put: 1, get: 1, list: 1, head: 0, delete: 0 }, uploadBytes: 5, downloadBytes: 3 },
    root: { requests: { head: 1, delete: 1, put: 0 }, uploadBytes: 0 },
  });
  classed.close();
});

test('under Deno, which a lock would end, what needs one is refused, and the object stays as it was', async () => {
  const etag = await stored('disk', 'hello');
  vi.stubGlobal('Deno', {});
  try {
    expect(await store.put('disk', body('other'), { etag }, 'another')).toMatchObject({
      kind: 'failed',
      late: false,
      error: { code: 'UNSUPPORTED' },
    });
    expect((await store.head('disk'))?.etag).toBe(etag);
  } finally {
    vi.unstubAllGlobals();
  }
});
