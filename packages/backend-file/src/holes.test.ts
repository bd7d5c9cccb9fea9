import assert from 'node:assert/strict';
import { mkdtemp, open, rm, stat, statfs, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlockDevice, compare, copy, isBlockError } from '@blockyard/block';
import { withStats } from '@blockyard/layers';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { connectFile } from './index.js';

const KIBI = 1024;
const MEBI = KIBI * KIBI;
const GIBI = KIBI * MEBI;
/** Where space is memory: files have holes, and a reservation that cannot be is refused at once. */
const MEMORY = '/dev/shm';
const TMPFS_MAGIC = 0x01021994;

let place = '';
async function makePlace(parent: string): Promise<void> {
  place = await mkdtemp(join(parent, 'blockyard-holes-'));
}
afterEach(() => rm(place, { recursive: true, force: true }));

/** Whether a file can be larger than the space that it takes here. */
async function hasHoles(): Promise<boolean> {
  const path = join(place, 'probe');
  await writeFile(path, 'x');
  await truncate(path, MEBI);
  return process.platform === 'linux' && (await stat(path)).blocks * 512 < MEBI / 2;
}

/** A file of holes, but for data at these bytes. */
async function sparseFile(name: string, sizeBytes: number, data: readonly [at: number, length: number][]) {
  const path = join(place, name);
  const file = await open(path, 'w');
  await file.truncate(sizeBytes);
  for (const [at, length] of data) await file.write(new Uint8Array(length).fill(7), 0, length, at);
  await file.close();
  return path;
}

/** Start and end of each run of data, in bytes. */
async function dataOf(device: BlockDevice): Promise<[number, number][]> {
  const { sectorSize, sizeSectors } = device.info;
  const extents = await device.extents(0, sizeSectors);
  return extents
    .filter(({ type }) => type === 'data')
    .map(({ start, count }) => [start * sectorSize, (start + count) * sectorSize]);
}

async function isMemory(): Promise<boolean> {
  return statfs(MEMORY).then(
    ({ type }) => type === TMPFS_MAGIC,
    () => false,
  );
}

describe.each([tmpdir(), MEMORY])('in %s, the holes of a file', (parent) => {
  let known = false;
  beforeEach(async () => {
    known = await makePlace(parent).then(hasHoles, () => false);
  });

  test.for([512, 4096, 65_536])(
    'are its zero extents, exactly, in sectors of %i bytes',
    async (sectorSize, { skip }) => {
      if (!known) return skip('no holes here');
      const block = Math.max((await statfs(place)).bsize, sectorSize);
      const path = await sparseFile('disk.img', 20 * GIBI, [
        [MEBI, 128 * KIBI],
        [2 * MEBI + 1, 1],
        [5 * GIBI - 64 * KIBI, 128 * KIBI],
        [20 * GIBI - 1, 1],
      ]);
      await using device = await connectFile({ path, sectorSize });
      assert.equal(device.info.native.extents, true);
      const expected = [
        [MEBI, MEBI + 128 * KIBI],
        [2 * MEBI, 2 * MEBI + block],
        [5 * GIBI - 64 * KIBI, 5 * GIBI + 64 * KIBI],
        [20 * GIBI - block, 20 * GIBI],
      ];
      assert.deepEqual(await dataOf(device), expected);

      // On the disk as in memory, and after every kind of change.
      await device.flush();
      assert.deepEqual(await dataOf(device), expected);
      await device.discard(0, (4 * MEBI) / sectorSize);
      await device.write((10 * GIBI) / sectorSize, [new Uint8Array(65_536).fill(1)]);
      await device.resize((15 * GIBI) / sectorSize);
      await device.resize((30 * GIBI) / sectorSize);
      assert.deepEqual(await dataOf(device), [
        [5 * GIBI - 64 * KIBI, 5 * GIBI + 64 * KIBI],
        [10 * GIBI, 10 * GIBI + 65_536],
      ]);
    },
  );

  test('are known of one that ends within a sector', async ({ skip }) => {
    if (!known) return skip('no holes here');
    const ends = { data: [[8 * MEBI, 8 * MEBI + 512]], hole: [] };
    for (const [what, expected] of Object.entries(ends)) {
      const data: [number, number][] = what === 'data' ? [[8 * MEBI + 99, 1]] : [];
      const path = await sparseFile(what, 8 * MEBI + 100, data);
      await using device = await connectFile({ path, readOnly: true });
      assert.deepEqual(await dataOf(device), expected);
      await truncate(path, 8 * MEBI);
      await assert.rejects(device.extents(0, device.info.sizeSectors), (error) => isBlockError(error, 'CORRUPT'));
    }
  });

  test('are not read by a copy nor by a comparison, whatever the size', async ({ skip }) => {
    if (!known) return skip('no holes here');
    const islands = [0, 3 * GIBI, 7 * GIBI + MEBI, 20 * GIBI - 4096];
    const path = await sparseFile(
      'disk.img',
      20 * GIBI,
      islands.map((at) => [at, 4096]),
    );
    await using from = withStats(await connectFile({ path }), { ownsBase: true });
    const create = { sizeSectors: from.info.sizeSectors };
    await using to = withStats(await connectFile({ path: join(place, 'copy.img'), create }), { ownsBase: true });

    await copy(from, to);
    assert.ok(from.stats().read.bytes <= islands.length * 2 * MEBI, `${from.stats().read.bytes} bytes were read`);
    assert.ok(to.stats().write.bytes <= islands.length * 2 * MEBI);
    assert.equal(to.stats().read.calls, 0);
    const { equal } = await compare(from, to);
    assert.equal(equal, true);
    assert.ok(to.stats().read.bytes <= islands.length * 2 * MEBI, `${to.stats().read.bytes} bytes were compared`);
    assert.ok((await stat(join(place, 'copy.img'))).blocks * 512 < 16 * MEBI);
  });

  test('are told to any number of callers at once, in files of any number', async ({ skip }) => {
    if (!known) return skip('no holes here');
    const paths = await Promise.all(Array.from({ length: 40 }, (_, i) => sparseFile(`${i}`, MEBI, [[65_536, 65_536]])));
    const devices = await Promise.all(paths.map((path) => connectFile({ path })));
    const asked = devices.flatMap((device) => Array.from({ length: 10 }, () => dataOf(device)));
    for (const data of await Promise.all(asked)) assert.deepEqual(data, [[65_536, 2 * 65_536]]);
    await Promise.all(devices.map((device) => device.disconnect()));
  });

  test('are told amid reads and writes, which go to their places all the same', async ({ skip }) => {
    if (!known) return skip('no holes here');
    const path = await sparseFile('disk.img', 64 * MEBI, [[0, 65_536]]);
    await using device = await connectFile({ path });
    const written = Array.from({ length: 63 }, (_, i) => ({ sector: ((i + 1) * MEBI) / 512, byte: i + 1 }));
    const bytesOf = (byte: number) => new Uint8Array(4096).fill(byte);
    const asked = written.map(async ({ sector, byte }) => {
      const found = new Uint8Array(4096);
      await Promise.all([device.extents(0, 128), device.write(sector, [bytesOf(byte)]), device.extents(129, 128)]);
      await Promise.all([device.read(sector, [found]), device.extents(sector - 8, 16)]);
      assert.deepEqual(found, bytesOf(byte));
    });
    await Promise.all(asked);
    const data = (await dataOf(device)).map(([start]) => start);
    assert.deepEqual(data, [0, ...written.map(({ sector }) => sector * 512)]);
  });

  test('can be reserved', async ({ skip }) => {
    if (!known) return skip('no holes here');
    const path = join(place, 'disk.img');
    await writeFile(path, '');
    const create = { sizeSectors: (4 * MEBI) / 512, reserve: true, ifMissing: true };
    await using device = await connectFile({ path, create });
    assert.equal(device.info.sizeSectors, create.sizeSectors);
    assert.ok((await stat(path)).blocks * 512 >= 4 * MEBI);
    assert.deepEqual(await dataOf(device), []);
    const found = new Uint8Array(4 * MEBI).fill(9);
    await device.read(0, [found]);
    assert.ok(found.every((byte) => byte === 0));
    const empty = await connectFile({ path: join(place, 'empty.img'), create: { sizeSectors: 0, reserve: true } });
    await empty.disconnect();
  });
});

describe('space that is not there', () => {
  beforeEach(() => makePlace(tmpdir()));

  test('is NO_SPACE for a reservation, and leaves the place as it was', async ({ skip }) => {
    if (!(await isMemory())) return skip(`needs a tmpfs at ${MEMORY}`);
    await rm(place, { recursive: true });
    await makePlace(MEMORY);
    const { blocks, bsize } = await statfs(place);
    const create = { sizeSectors: blocks * (bsize / 512) + 1, reserve: true, ifMissing: true };
    const path = join(place, 'disk.img');
    await assert.rejects(connectFile({ path, create }), (error) => isBlockError(error, 'NO_SPACE'));
    await assert.rejects(stat(path), /ENOENT/);
    await writeFile(path, '');
    await assert.rejects(connectFile({ path, create }), (error) => isBlockError(error, 'NO_SPACE'));
    const left = await stat(path);
    assert.deepEqual([left.size, left.blocks], [0, 0]);
  });
});
