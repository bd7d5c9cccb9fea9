import assert from 'node:assert/strict';
import { createDevice, isBlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import { FileDriver } from './driver.js';
import { extentsOfFile, SEEKS_MAX } from './extents.js';
import type { Holes } from './file-io.js';
import { FakeFileIo, Hold, systemError } from './testing/file-io.js';

const PAGE = 256;
const MEBI = 1 << 20;

/** A file with a page of data at each of these bytes. */
function setUp(lengthBytes: number, dataAt: readonly number[], sectorSize = 512) {
  const io = new FakeFileIo(lengthBytes);
  io.tellHoles(PAGE);
  for (const at of dataAt) io.bytes[at] = 1;
  const isOdd = lengthBytes % sectorSize !== 0;
  const driver = new FileDriver(io, {
    path: '/disk.img',
    sectorSize,
    sizeSectors: Math.ceil(lengthBytes / sectorSize),
    readOnly: isOdd,
    resizable: true,
    paddedFrom: isOdd ? lengthBytes : undefined,
  });
  const device = createDevice(driver);
  /** The extents as text: `2 zero, 1 data`. */
  const map = async (start = 0, count = device.info.sizeSectors - start) =>
    (await device.extents(start, count)).map((extent) => `${extent.count} ${extent.type}`).join(', ');
  return { io, device, map };
}

describe('extents', () => {
  test('say data of a sector of which a part is', async () => {
    const { map } = setUp(8 * 512, [2 * 512, 4 * 512 - 1]);
    assert.equal(await map(), '2 zero, 2 data, 4 zero');
    const large = setUp(8 * 4096, [4096 + PAGE, 4096 + 3 * PAGE, 3 * 4096 - 1, 7 * 4096], 4096);
    assert.equal(await large.map(), '1 zero, 2 data, 4 zero, 1 data');
  });

  test('begin and end within data and within holes', async () => {
    const { map } = setUp(8 * 512, [2 * 512, 3 * 512, 6 * 512]);
    assert.equal(await map(3, 2), '1 data, 1 zero');
    assert.equal(await map(4, 2), '2 zero');
    assert.equal(await map(2, 1), '1 data');
    assert.equal(await map(5, 3), '1 zero, 1 data, 1 zero');
  });

  test('of a file that ends within a sector say data where it has some, and zero behind its end', async () => {
    assert.equal(await setUp(3 * 512 + 100, [3 * 512 + 99]).map(), '3 zero, 1 data');
    assert.equal(await setUp(3 * 512 + 100, [512]).map(), '1 zero, 1 data, 2 zero');
  });

  test('say data of what is being written when they are asked for, and of what was written since', async () => {
    const { io, device, map } = setUp(8 * 512, []);
    const hold = new Hold();
    io.before = (call) => (call === 'writev' ? hold.wait() : undefined);
    const wrote = device.write(2, [new Uint8Array(512).fill(1)]);
    await hold.entered;
    const found = map();
    hold.release();
    await wrote;
    assert.equal(await found, '2 zero, 1 data, 5 zero');
    await device.discard(2, 1);
    assert.equal(await map(), '8 zero');
    await device.resize(4);
    await device.resize(6);
    assert.equal(await map(), '6 zero');
  });

  test('keep a write to their range waiting until they are told', async () => {
    const { io, device, map } = setUp(8 * 512, []);
    const hold = new Hold();
    io.before = (call) => (call === 'nextData' ? hold.wait() : undefined);
    const found = map();
    await hold.entered;
    const wrote = device.write(2, [new Uint8Array(512).fill(1)]);
    hold.release();
    assert.equal(await found, '8 zero');
    await wrote;
    assert.deepEqual(io.calls, ['nextData', 'length', 'writev']);
  });

  test('are CORRUPT, not zero, where the file was cut short', async () => {
    for (const left of [0, 3 * 512, 8 * 512 - 1]) {
      const { io, device } = setUp(8 * 512, [0]);
      io.bytes = io.bytes.slice(0, left);
      await assert.rejects(device.extents(1, 7), (error) => isBlockError(error, 'CORRUPT'));
    }
    const odd = setUp(3 * 512 + 100, []);
    odd.io.bytes = odd.io.bytes.slice(0, 3 * 512 + 99);
    await assert.rejects(odd.device.extents(3, 1), (error) => isBlockError(error, 'CORRUPT'));
  });

  test('fail as the system does', async () => {
    const { io, device } = setUp(8 * 512, [0]);
    io.before = () => {
      throw systemError('EIO');
    };
    await assert.rejects(device.extents(0, 8), (error) => isBlockError(error, 'IO') && error.start === 0);
  });

  test.each(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])(
    'are data from where the file system refuses to tell on, with %s',
    async (errno) => {
      const { io, map } = setUp(8 * 512, [0, 3 * 512]);
      const refuse = (call: string, times: number) => {
        let asked = 0;
        io.before = (now) => {
          if (now === call && ++asked === times) throw systemError(errno);
        };
      };
      refuse('nextData', 1);
      assert.equal(await map(), '8 data');
      refuse('nextData', 2);
      assert.equal(await map(), '8 data');
      refuse('nextHole', 2);
      assert.equal(await map(), '1 data, 2 zero, 5 data');
    },
  );

  test('end with a forced disconnect, and the file is closed once the last question is answered', async () => {
    const { io, device } = setUp(8 * 512, [0, 3 * 512]);
    const hold = new Hold();
    io.before = (call) => (call === 'nextHole' ? hold.wait() : undefined);
    const found = assert.rejects(device.extents(0, 8), (error) => isBlockError(error, 'DISCONNECTED'));
    await hold.entered;
    await device.disconnect({ force: true });
    assert.deepEqual(io.calls, ['nextData', 'nextHole']);
    hold.release();
    await found;
    assert.deepEqual(io.calls, ['nextData', 'nextHole', 'close']);
  });
});

describe('the questions for one answer', () => {
  /** A file of data and holes in turn, a sector each. */
  const striped = (asked: { count: number }, lengthBytes: number): Holes => ({
    async nextData(position) {
      asked.count++;
      return Math.floor(position / 1024) * 1024 === position ? position + 512 : position;
    },
    async nextHole(position) {
      asked.count++;
      return position + 512;
    },
    length: async () => lengthBytes,
  });
  const sectors = { sectorSize: 512, paddedFrom: undefined };

  test('are bounded: of what lies behind, data is said', async () => {
    const asked = { count: 0 };
    const size = 2 ** 40;
    const extents = await extentsOfFile(striped(asked, size * 512), sectors, 0, size, () => {});
    assert.equal(asked.count, SEEKS_MAX);
    assert.equal(extents.length, SEEKS_MAX + 1);
    assert.deepEqual(extents.at(-1), { start: SEEKS_MAX, count: size - SEEKS_MAX, type: 'data' });
  });

  test('suffice for 128 MiB of blocks of 4 KiB in turn, whichever is first', async () => {
    const asked = { count: 0 };
    const blocks = { sectorSize: 4096, paddedFrom: undefined };
    const holes = striped(asked, 1024 * MEBI);
    const scaled: Holes = {
      nextData: async (position) => ((await holes.nextData(position / 8)) ?? 0) * 8,
      nextHole: async (position) => ((await holes.nextHole(position / 8)) ?? 0) * 8,
      length: holes.length,
    };
    for (const start of [0, 1]) {
      const extents = await extentsOfFile(scaled, blocks, start, (128 * MEBI) / 4096, () => {});
      assert.equal(extents.length, 32_768);
      assert.ok(extents.every(({ count }) => count === 1));
    }
  });

  test('go on where a hole is punched between two of them', async () => {
    const holes: Holes = {
      nextData: async (position) => position,
      nextHole: async (position) => position,
      length: async () => 4 * 512,
    };
    const extents = await extentsOfFile(holes, sectors, 0, 4, () => {});
    assert.deepEqual(
      extents.map(({ count, type }) => [count, type]),
      Array.from({ length: 4 }, () => [1, 'data']),
    );
  });
});
