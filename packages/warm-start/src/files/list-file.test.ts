import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ListOwner } from '../format/range-list.js';
import { ListFile } from './list-file.js';

const OWNER: ListOwner = { volume: 'one', sectorSize: 512, sizeSectors: 1000 };
const RANGES = [{ start: 8, count: 16, heat: 3 }];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-warm-start-'));
});
afterEach(() => rm(folder, { recursive: true }));

const fileAt = (name: string) => new ListFile(join(folder, name), 'hot ranges');

describe('The file of a list', () => {
  test("holds the last one that was saved, and is its user's alone", async () => {
    const file = fileAt('list');
    expect(await file.load(OWNER)).toEqual({ state: 'missing' });
    await file.save(OWNER, [{ start: 0, count: 500, heat: 0 }]);
    await file.save(OWNER, RANGES);
    expect(await file.load(OWNER)).toEqual({ state: 'usable', ranges: RANGES });
    expect((await stat(file.path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['list']);
  });

  test('stays what it was where another cannot be written, and nothing is left beside it', async () => {
    const file = fileAt('list');
    await file.save(OWNER, RANGES);
    const before = await readFile(file.path);
    // What is to be written first is a folder.
    await mkdir(`${file.path}.new`);
    await expect(file.save(OWNER, [])).rejects.toMatchObject({ name: 'BlockError' });
    expect(await readFile(file.path)).toEqual(before);
    const taken = fileAt('taken');
    await mkdir(taken.path);
    await expect(taken.save(OWNER, RANGES)).rejects.toMatchObject({ name: 'BlockError' });
    expect((await readdir(folder)).sort()).toEqual(['list', 'list.new', 'taken']);
  });

  test('is not made in a folder that is not there', async () => {
    await expect(fileAt('none/list').save(OWNER, RANGES)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('that cannot be read is unusable, and not to be replaced', async () => {
    await mkdir(join(folder, 'directory'));
    await symlink('circle', join(folder, 'circle'));
    for (const name of ['directory', 'circle']) {
      const found = await fileAt(name).load(OWNER);
      expect(found).toMatchObject({ state: 'unusable', isOwn: false });
      expect(found).toHaveProperty('reason', expect.stringMatching(/^it cannot be read \(E/));
    }
  });

  test('that is larger than any list is not read as a whole', async () => {
    const file = fileAt('list');
    await file.save(OWNER, RANGES);
    await writeFile(file.path, Buffer.alloc(40 * 2 ** 20), { flag: 'a' });
    expect(await file.load(OWNER)).toEqual({ state: 'unusable', isOwn: true, reason: 'it is damaged' });
  });
});
