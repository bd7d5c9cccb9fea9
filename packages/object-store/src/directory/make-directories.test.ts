import { chmod, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectories } from '../testing/directories.js';
import { openDirectoryStore } from './index.js';
import { makeDirectories } from './make-directories.js';

const makeDirectory = temporaryDirectories();

test('a directory is made with those above it, of the mode that is wanted, and the first of them is told', async () => {
  const folder = await makeDirectory();
  const path = join(folder, 'a', 'b', 'c');
  expect(await makeDirectories(path, 0o700)).toBe(join(folder, 'a'));
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700);
  expect(await makeDirectories(join(folder, 'a', 'd', 'e'))).toBe(join(folder, 'a', 'd'));
});

test('one that is there stays as it is, also where others make it at once', async () => {
  const folder = await makeDirectory();
  await mkdir(join(folder, 'a'));
  await chmod(join(folder, 'a'), 0o711);
  expect(await makeDirectories(join(folder, 'a'), 0o700)).toBeUndefined();
  expect(await makeDirectories('/')).toBeUndefined();
  expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o711);
  const path = join(folder, 'b', 'c', 'd');
  await Promise.all(Array.from({ length: 8 }, () => makeDirectories(path)));
  expect((await stat(path)).isDirectory()).toBe(true);
});

test('what is in the way is told as the system tells it', async () => {
  const folder = await makeDirectory();
  await writeFile(join(folder, 'file'), '');
  await symlink(join(folder, 'none'), join(folder, 'link'));
  for (const [name, code] of [
    ['file', 'EEXIST'],
    ['file/a', 'ENOTDIR'],
    ['file/a/b', 'ENOTDIR'],
    ['link', 'EEXIST'],
    ['link/a', 'EEXIST'],
  ] as const) {
    await expect(makeDirectories(join(folder, name)), name).rejects.toMatchObject({ code });
  }
});

test.skipIf(process.platform !== 'linux')('where the system makes none, no one waits for it', async () => {
  await expect(makeDirectories('/proc/blockyard/a')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(openDirectoryStore({ path: '/proc/blockyard', create: true })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});
