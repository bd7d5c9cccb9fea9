import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectMemory } from '@blockyard/backend-memory';
import ext2fs from 'ext2fs';
import { expect, test } from 'vitest';
import { DeviceDisk } from './file-disk.js';

const SIZE_BYTES = 4 * 2 ** 20;
const PROGRAMS = ['mke2fs', 'e2fsck'];
const FOLDERS = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];

function find(program: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, program)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const isPossible = process.env.BLOCKYARD_REQUIRE_TOOLS === '1' || PROGRAMS.every((each) => find(each) !== undefined);
const run = (program: string, ...args: readonly string[]) => promisify(execFile)(find(program) ?? program, args);

test.runIf(isPossible)(
  'A file system of a package for disks of file-disk is mounted on a device, and written to',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'adapters-'));
    try {
      const image = join(folder, 'ext4.img');
      await writeFile(image, Buffer.alloc(SIZE_BYTES));
      await run('mke2fs', '-q', '-t', 'ext4', '-b', '1024', image);
      // Larger sectors than the file system has blocks, so that parts of them are written.
      const device = await connectMemory({ sectorSize: 4096, sizeSectors: SIZE_BYTES / 4096 });
      await device.write(0, [await readFile(image)]);
      const text = 'written through a device\n'.repeat(5000);
      await ext2fs.withMountedDisk(new DeviceDisk(device), 0, ({ promises }) => promises.writeFile('/hello.txt', text));
      const written = Buffer.alloc(SIZE_BYTES);
      await device.read(0, [written]);
      await writeFile(image, written);
      await run('e2fsck', '-f', '-n', image);
      await ext2fs.withMountedDisk(new DeviceDisk(device), 0, async ({ promises }) => {
        expect(await promises.readdir('/')).toContain('hello.txt');
        expect(await promises.readFile('/hello.txt', 'utf8')).toBe(text);
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
