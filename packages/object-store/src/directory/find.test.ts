import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectories } from '../testing/directories.js';
import { findDirectoryStore, isFreeForStore, openDirectoryStore } from './index.js';

const directory = temporaryDirectories();

test('the nearest store at or above a path is found, also for a path that is not there', async () => {
  const above = await directory();
  expect(await findDirectoryStore(join(above, 'store', 'disks', 'a'))).toBeUndefined();
  const path = join(above, 'store');
  (await openDirectoryStore({ path, create: true })).close();
  expect(await findDirectoryStore(path)).toBe(path);
  expect(await findDirectoryStore(join(path, 'disks', 'a'))).toBe(path);
  expect(await findDirectoryStore(above)).toBeUndefined();
  const inner = join(path, 'inner');
  (await openDirectoryStore({ path: inner, create: true })).close();
  expect(await findDirectoryStore(join(inner, 'a'))).toBe(inner);
});

test('a store can be made of a directory that is not there or empty, and of one that was left half made', async () => {
  const path = await directory();
  expect(await isFreeForStore(join(path, 'none'))).toBe(true);
  expect(await isFreeForStore(path)).toBe(true);
  await mkdir(join(path, '.new'));
  expect(await isFreeForStore(path)).toBe(true);
  await writeFile(join(path, 'disk.img'), '');
  expect(await isFreeForStore(path)).toBe(false);
});
