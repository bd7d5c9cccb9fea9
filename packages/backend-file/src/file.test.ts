import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rename, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BlockErrorCode, isBlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import { connectFile, type FileOptions } from './index.js';
import { openDescriptors, temporaryDirectories } from './testing/temporary.js';

const MEBI = 1 << 20;

const directory = temporaryDirectories();
const sectors = (count: number, value: number) => new Uint8Array(count * 512).fill(value);

async function fileOf(bytes: number | Uint8Array): Promise<string> {
  const path = join(await directory(), 'disk.img');
  if (typeof bytes === 'number') {
    await writeFile(path, '');
    await truncate(path, bytes);
  } else {
    await writeFile(path, bytes);
  }
  return path;
}

async function refused(options: FileOptions, code: BlockErrorCode, message: RegExp): Promise<void> {
  const descriptors = await openDescriptors();
  await assert.rejects(connectFile(options), (error) => {
    assert.ok(isBlockError(error, code), `${error}`);
    assert.match(error.message, message);
    assert.equal(error.operation, 'connect');
    return true;
  });
  assert.equal(await openDescriptors(), descriptors, 'a descriptor was left open');
}

describe('connectFile', () => {
  test('opens a file that is there, with its size', async () => {
    const path = await fileOf(sectors(8, 7));
    const device = await connectFile({ path });
    assert.equal(device.info.sizeSectors, 8);
    assert.equal(device.info.name, `file:${path}`);
    const found = sectors(8, 0);
    await device.read(0, [found]);
    assert.deepEqual(found, sectors(8, 7));
    await device.disconnect();
  });

  test('leaves what was written in the file, and no descriptor', async () => {
    const path = await fileOf(1024);
    const descriptors = await openDescriptors();
    const device = await connectFile({ path });
    await device.write(1, [sectors(1, 5)]);
    await device.disconnect();
    assert.equal(await openDescriptors(), descriptors);
    assert.deepEqual(new Uint8Array(await readFile(path)), new Uint8Array([...sectors(1, 0), ...sectors(1, 5)]));
  });

  test('refuses a size that is not whole sectors', async () => {
    const path = await fileOf(4096 + 512);
    await refused({ path, sectorSize: 4096 }, 'UNALIGNED', /4608 bytes.*4096/);
  });

  test('reads a file that ends within a sector as if zeroes followed, read-only, and tells how to make it whole', async () => {
    const path = await fileOf(1024 + 100);
    await writeFile(path, new Uint8Array(1124).fill(7));
    await refused({ path }, 'UNALIGNED', /1124 bytes.*read-only.*truncate -s 1536/);
    const device = await connectFile({ path, readOnly: true });
    assert.equal(device.info.sizeSectors, 3);
    const buffers = [new Uint8Array(512).fill(9), new Uint8Array(1024).fill(9)];
    await device.read(0, buffers);
    const expected = new Uint8Array(1536);
    expected.fill(7, 0, 1124);
    assert.deepEqual(new Uint8Array([...(buffers[0] ?? []), ...(buffers[1] ?? [])]), expected);
    // What was cut off after it was opened is no zero.
    await truncate(path, 1100);
    await assert.rejects(device.read(2, [new Uint8Array(512)]), (error) => isBlockError(error, 'CORRUPT'));
    await device.disconnect();
    assert.equal((await stat(path)).size, 1100);
  });

  test('refuses what is not there', async () => {
    await refused({ path: join(await directory(), 'none') }, 'NOT_FOUND', /there is no .*none/);
    await refused({ path: join(await fileOf(512), 'inside') }, 'NOT_FOUND', /ENOTDIR/);
  });

  test('refuses a directory, a pipe, a socket and a character device, without waiting for their other end', async () => {
    const place = await directory();
    await refused({ path: place }, 'UNSUPPORTED', /is a directory/);
    await refused({ path: '/dev/null' }, 'UNSUPPORTED', /is a character device/);
    await promisify(execFile)('mkfifo', [join(place, 'pipe')]);
    await refused({ path: join(place, 'pipe'), readOnly: true }, 'UNSUPPORTED', /is a pipe/);
    const server = createServer().listen(join(place, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    await refused({ path: join(place, 'socket') }, 'UNSUPPORTED', /is a socket/);
    await new Promise((resolve) => server.close(resolve));
  });

  test.each<[string, unknown, RegExp]>([
    ['no options', undefined, /options must be/],
    ['no path', {}, /path must be/],
    ['a path with a NUL', { path: 'a\0b' }, /path must be/],
    ['an option that it does not know', { path: 'a', size: 1 }, /unknown option "size"/],
    [
      'an option of create that it does not know',
      { path: 'a', create: { size: 1 } },
      /unknown option "size" in create/,
    ],
    ['a lock that is no boolean', { path: 'a', lock: 'yes' }, /lock must be/],
    ['a size in fractions', { path: 'a', create: { sizeSectors: 0.5 } }, /sizeSectors/],
    ['a sector size that is no power of two', { path: 'a', sectorSize: 1000 }, /sectorSize/],
    ['to create for reading only', { path: 'a', readOnly: true, create: { sizeSectors: 1 } }, /read-only/],
  ])('refuses %s', async (_, options, message) => {
    await refused(options as FileOptions, 'INVALID_ARGUMENT', message);
  });
});

describe('create', () => {
  test('makes a file of that size that takes no space', async () => {
    const path = join(await directory(), 'new.img');
    const device = await connectFile({ path, sectorSize: 4096, create: { sizeSectors: 2 ** 28 } });
    assert.equal(device.info.sizeSectors, 2 ** 28);
    const { size, blocks } = await stat(path);
    assert.equal(size, 2 ** 40);
    assert.ok(blocks < 64, `${blocks} blocks are in use`);
    await device.disconnect();
  });

  test('refuses a file that is there, and leaves it as it is', async () => {
    const path = await fileOf(sectors(1, 3));
    await refused({ path, create: { sizeSectors: 2 } }, 'ALREADY_EXISTS', /is there already/);
    assert.deepEqual(new Uint8Array(await readFile(path)), sectors(1, 3));
  });

  test('opens a file that is there, with its own size, if it was told so', async () => {
    const path = await fileOf(sectors(1, 3));
    const device = await connectFile({ path, create: { sizeSectors: 2, ifMissing: true } });
    assert.equal(device.info.sizeSectors, 1);
    await device.disconnect();
  });

  test('completes a creation that was cut off before the file had its size', async () => {
    const path = await fileOf(0);
    const device = await connectFile({ path, create: { sizeSectors: 2, ifMissing: true } });
    assert.equal(device.info.sizeSectors, 2);
    await device.disconnect();
  });

  test('leaves no file behind when it fails', async () => {
    const path = join(await directory(), 'huge.img');
    // More than any file system here holds in one file.
    await refused({ path, sectorSize: 65_536, create: { sizeSectors: 2 ** 37 - 1 } }, 'NO_SPACE', /EFBIG/);
    await assert.rejects(stat(path), /ENOENT/);
  });

  test('by several at once gives the file to exactly one of them', async () => {
    const path = join(await directory(), 'contested.img');
    const options = { path, create: { sizeSectors: 4, ifMissing: true } };
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => connectFile(options)));
    const devices = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    assert.equal(devices.length, 1);
    assert.ok(errors.every((error) => isBlockError(error, 'LOCKED')));
    assert.equal(devices[0]?.info.sizeSectors, 4);
    assert.equal((await stat(path)).size, 2048);
    await devices[0]?.disconnect();
  });
});

describe('the lock', () => {
  test('keeps a second writer of the same process out until the first is done', async () => {
    const path = await fileOf(512);
    const first = await connectFile({ path });
    await refused({ path }, 'LOCKED', /disk\.img is locked/);
    await first.disconnect();
    await (await connectFile({ path })).disconnect();
  });

  test('lets readers share, and keeps a writer out while they read', async () => {
    const path = await fileOf(512);
    const readers = [await connectFile({ path, readOnly: true }), await connectFile({ path, readOnly: true })];
    await refused({ path }, 'LOCKED', /locked by another reader or writer/);
    for (const reader of readers) await reader.disconnect();
    await (await connectFile({ path })).disconnect();
  });

  test('keeps readers out while someone writes', async () => {
    const path = await fileOf(512);
    const writer = await connectFile({ path });
    await refused({ path, readOnly: true }, 'LOCKED', /locked by a writer/);
    await writer.disconnect();
  });

  test('is of the file, whatever path leads to it', async () => {
    const path = await fileOf(512);
    await symlink(path, `${path}.link`);
    const device = await connectFile({ path });
    await refused({ path: `${path}.link` }, 'LOCKED', /disk\.img\.link is locked/);
    await device.disconnect();
  });

  test('can be done without', async () => {
    const path = await fileOf(512);
    const first = await connectFile({ path });
    const second = await connectFile({ path, lock: false });
    await first.disconnect();
    await second.disconnect();
  });

  test('is gone after a forced disconnect', async () => {
    const path = await fileOf(512);
    await (await connectFile({ path })).disconnect({ force: true });
    await (await connectFile({ path })).disconnect();
  });
});

describe('a device on a file', () => {
  test('reads and writes beyond every 32-bit edge', async () => {
    const device = await connectFile({
      path: join(await directory(), 'large.img'),
      create: { sizeSectors: 2 ** 34 + 8 },
    });
    for (const start of [2 ** 22, 2 ** 23, 2 ** 31, 2 ** 32, 2 ** 34]) {
      await device.write(start - 1, [sectors(2, start % 251)]);
    }
    for (const start of [2 ** 22, 2 ** 23, 2 ** 31, 2 ** 32, 2 ** 34]) {
      const found = sectors(2, 0);
      await device.read(start - 1, [found]);
      assert.deepEqual(found, sectors(2, start % 251));
    }
    await device.disconnect();
  });

  test('takes more buffers than one system call does', async () => {
    const device = await connectFile({ path: await fileOf(3000 * 512) });
    const written = Array.from({ length: 3000 }, (_, i) => sectors(1, i % 251));
    await device.write(0, written);
    const found = Array.from({ length: 3000 }, () => sectors(1, 0));
    await device.read(0, found);
    assert.deepEqual(found, written);
    await device.disconnect();
  });

  test('gives the space of what is discarded back, and reads it as zeroes', async () => {
    const path = join(await directory(), 'disk.img');
    const device = await connectFile({ path, create: { sizeSectors: 8192 } });
    await device.write(0, [sectors(8192, 1)]);
    await device.flush();
    const before = (await stat(path)).blocks;
    await device.discard(1, 8190);
    await device.flush();
    const { blocks, size } = await stat(path);
    assert.equal(size, 8192 * 512);
    assert.ok(blocks < before / 4, `${blocks} of ${before} blocks are still in use`);
    const found = sectors(8192, 9);
    await device.read(0, [found]);
    assert.deepEqual(found.subarray(512, -512), sectors(8190, 0));
    assert.deepEqual([found.at(0), found.at(-1)], [1, 1]);
    await device.disconnect();
  });

  // Writing that many zeroes would take hours: the test's own time-out is the assertion.
  test('discards and zeroes 8 TiB of nothing at no cost', async () => {
    const path = join(await directory(), 'disk.img');
    const device = await connectFile({ path, create: { sizeSectors: 2 ** 34 } });
    await device.discard(0, 2 ** 34);
    await device.writeZeroes(1, 2 ** 34 - 2);
    assert.ok((await stat(path)).blocks < 64);
    await device.disconnect();
  });

  test('grows without taking space, and by zeroes where it had been cut', async () => {
    const path = await fileOf(sectors(64, 1));
    const device = await connectFile({ path });
    await device.resize(3);
    await device.resize((MEBI * MEBI) / 512);
    const found = sectors(64, 9);
    await device.read(0, [found]);
    assert.deepEqual(found.subarray(0, 3 * 512), sectors(3, 1));
    assert.deepEqual(found.subarray(3 * 512), sectors(61, 0));
    assert.ok((await stat(path)).blocks < 64);
    await device.disconnect();
    assert.equal((await stat(path)).size, MEBI * MEBI);
  });

  test('says so when someone has cut its file short', async () => {
    const path = await fileOf(1024);
    const device = await connectFile({ path });
    await truncate(path, 700);
    await assert.rejects(device.read(0, [sectors(2, 0)]), (error) => isBlockError(error, 'CORRUPT'));
    await device.disconnect();
  });

  test('that is read-only changes nothing', async () => {
    const path = await fileOf(sectors(1, 1));
    const device = await connectFile({ path, readOnly: true });
    assert.equal(device.info.readOnly, true);
    await assert.rejects(device.write(0, [sectors(1, 2)]), (error) => isBlockError(error, 'READ_ONLY'));
    await device.disconnect();
    assert.deepEqual(new Uint8Array(await readFile(path)), sectors(1, 1));
  });

  test('of no sectors can be opened and grown', async () => {
    const device = await connectFile({ path: await fileOf(0) });
    assert.equal(device.info.sizeSectors, 0);
    await device.resize(1);
    await device.write(0, [sectors(1, 1)]);
    await device.disconnect();
  });

  test('goes on with a path that was renamed under it', async () => {
    const path = await fileOf(512);
    const device = await connectFile({ path });
    await rename(path, `${path}.elsewhere`);
    await device.write(0, [sectors(1, 4)]);
    await device.disconnect();
    assert.deepEqual(new Uint8Array(await readFile(`${path}.elsewhere`)), sectors(1, 4));
  });
});
