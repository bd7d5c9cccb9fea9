import assert from 'node:assert/strict';
import { createDevice, isBlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import { FileDriver, type FileFacts } from './driver.js';
import { FakeFileIo, Hold, systemError } from './testing/file-io.js';

const SIZE = 8192;

function setUp(facts: Partial<FileFacts> = {}) {
  const io = new FakeFileIo(SIZE * 512);
  const driver = new FileDriver(io, {
    path: '/disk.img',
    sectorSize: 512,
    sizeSectors: SIZE,
    readOnly: false,
    resizable: true,
    ...facts,
  });
  return { io, device: createDevice(driver) };
}

const sectors = (count: number, value: number) => new Uint8Array(count * 512).fill(value);

describe('a write that the disk refuses', () => {
  test('can be tried again', async () => {
    const { io, device } = setUp();
    io.before = () => {
      throw systemError('ENOSPC');
    };
    await assert.rejects(
      device.write(1, [sectors(1, 1)]),
      (error) => isBlockError(error, 'NO_SPACE') && error.retryable,
    );
    io.before = () => {};
    await device.write(1, [sectors(1, 1)]);
    assert.deepEqual(io.bytes.slice(512, 1024), sectors(1, 1));
  });

  test('is flushed all the same, since a part of it may have been written', async () => {
    const { io, device } = setUp();
    await device.flush();
    io.before = (call) => {
      if (call === 'writev') throw systemError('EIO');
    };
    await assert.rejects(device.write(0, [sectors(1, 1)]));
    await device.flush();
    assert.deepEqual(io.calls, ['sync', 'writev', 'datasync']);
  });
});

describe('a write that is to be durable', () => {
  function setUpDurably() {
    const io = new FakeFileIo(SIZE * 512);
    io.writeDurably();
    const facts = { path: '/disk.img', sectorSize: 512, sizeSectors: SIZE, readOnly: false, resizable: true };
    const device = createDevice(new FileDriver(io, facts));
    return { io, write: (start: number, value: number) => device.writeDurably?.(start, [sectors(2, value)]), device };
  }

  test('is written as a whole, however little a call takes, and needs no flush', async () => {
    const { io, write, device } = setUpDurably();
    io.mostBytes = 700;
    await device.flush();
    await write(1, 7);
    assert.deepEqual(io.bytes.slice(512, 1536), sectors(2, 7));
    await device.flush();
    assert.deepEqual(io.calls, ['sync', 'writev', 'writev']);
  });

  test('makes nothing else durable', async () => {
    const { io, write, device } = setUpDurably();
    await device.flush();
    await device.write(5, [sectors(1, 5)]);
    await write(1, 7);
    await device.flush();
    assert.deepEqual(io.calls, ['sync', 'writev', 'writev', 'datasync']);
  });

  test('can be tried again where it failed, and what it left is flushed', async () => {
    const { io, write, device } = setUpDurably();
    await device.flush();
    io.before = (call) => {
      if (call === 'writev') throw systemError('EIO');
    };
    await assert.rejects(
      async () => write(1, 7),
      (error) => isBlockError(error, 'IO'),
    );
    await device.flush();
    io.before = () => {};
    await write(1, 7);
    assert.deepEqual(io.calls, ['sync', 'writev', 'datasync', 'writev']);
  });

  test('is refused after a flush that failed', async () => {
    const { io, write, device } = setUpDurably();
    io.before = (call) => {
      if (call === 'sync') throw systemError('EIO');
    };
    await assert.rejects(device.flush());
    await assert.rejects(
      async () => write(1, 7),
      (error) => isBlockError(error, 'FLUSH_FAILED'),
    );
    assert.deepEqual(io.calls, ['sync']);
  });

  test('is not offered where the system has no such call, or nothing may be written', () => {
    assert.equal(setUp().device.writeDurably, undefined);
    const io = new FakeFileIo(512);
    io.writeDurably();
    const facts = { path: '/disk.img', sectorSize: 512, sizeSectors: 1, readOnly: true, resizable: true };
    assert.equal(createDevice(new FileDriver(io, facts)).writeDurably, undefined);
  });
});

describe('flush', () => {
  test('covers a write that finished while another flush was under way', async () => {
    const { io, device } = setUp();
    const [write, sync] = [new Hold(), new Hold()];
    io.before = (call) => (call === 'writev' ? write : sync).wait();
    const wrote = device.write(0, [sectors(1, 1)]);
    await write.entered;
    const flushed = device.flush();
    await sync.entered;
    write.release();
    await wrote;
    sync.release();
    await flushed;
    await device.flush();
    assert.deepEqual(io.calls, ['writev', 'sync', 'datasync']);
  });

  test('that failed leaves reads working and the device connected until it is forced', async () => {
    const { io, device } = setUp();
    await device.write(3, [sectors(1, 9)]);
    io.before = (call) => {
      if (call === 'sync') throw systemError('EIO');
    };
    await assert.rejects(device.flush(), (error) => isBlockError(error, 'IO'));
    await assert.rejects(device.flush(), (error) => isBlockError(error, 'FLUSH_FAILED'));
    await assert.rejects(device.disconnect(), (error) => isBlockError(error, 'FLUSH_FAILED'));
    const found = sectors(1, 0);
    await device.read(3, [found]);
    assert.deepEqual(found, sectors(1, 9));
    await device.disconnect({ force: true });
    assert.equal(io.calls.at(-1), 'close');
  });

  test('of a read-only file leaves the disk alone', async () => {
    const { io, device } = setUp({ readOnly: true });
    await device.flush();
    await device.disconnect();
    assert.deepEqual(io.calls, ['close']);
  });
});

describe('discard', () => {
  test('makes a hole', async () => {
    const { io, device } = setUp();
    await device.write(0, [sectors(4, 1)]);
    await device.discard(1, 2);
    assert.deepEqual(io.calls, ['writev', 'punchHole']);
    assert.deepEqual(io.bytes.slice(0, 2048), new Uint8Array([...sectors(1, 1), ...sectors(2, 0), ...sectors(1, 1)]));
  });

  test.each(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])('writes zeroes after %s, and does not ask again', async (code) => {
    const { io, device } = setUp();
    await device.write(0, [sectors(SIZE, 1)]);
    io.before = (call) => {
      if (call === 'punchHole') throw systemError(code);
    };
    await device.discard(1, SIZE - 2);
    await device.discard(1, 1);
    assert.equal(io.calls.filter((call) => call === 'punchHole').length, 1);
    assert.ok(io.bytes.subarray(512, -512).every((byte) => byte === 0));
    assert.deepEqual([io.bytes.at(511), io.bytes.at(-512)], [1, 1]);
  });

  test('writes zeroes where one range has an edge that the device does not take, and asks again for the next', async () => {
    const { io, device } = setUp();
    io.before = (call) => {
      if (call === 'punchHole') throw systemError('EINVAL');
    };
    await device.discard(1, 1);
    io.before = () => {};
    await device.discard(8, 8);
    assert.deepEqual(io.calls, ['punchHole', 'writev', 'punchHole']);
  });

  test('fails when the disk does', async () => {
    const { io, device } = setUp();
    io.before = () => {
      throw systemError('EIO');
    };
    await assert.rejects(device.discard(0, 1), (error) => isBlockError(error, 'IO'));
  });

  test('is flushed like a write', async () => {
    const { io, device } = setUp();
    await device.flush();
    await device.discard(0, 1);
    await device.flush();
    assert.deepEqual(io.calls, ['sync', 'punchHole', 'datasync']);
  });
});

describe('resize', () => {
  test('is durable after the next flush', async () => {
    const { io, device } = setUp();
    await device.resize(10);
    await device.flush();
    assert.deepEqual(io.calls, ['truncate', 'sync']);
  });

  test('of a raw block device is UNSUPPORTED', async () => {
    const { io, device } = setUp({ resizable: false });
    await assert.rejects(device.resize(10), (error) => isBlockError(error, 'UNSUPPORTED'));
    assert.equal(device.info.sizeSectors, SIZE);
    assert.deepEqual(io.calls, []);
  });

  test('that fails leaves the size as it was', async () => {
    const { io, device } = setUp();
    io.before = () => {
      throw systemError('EFBIG');
    };
    await assert.rejects(device.resize(2 ** 40), (error) => isBlockError(error, 'NO_SPACE'));
    assert.equal(device.info.sizeSectors, SIZE);
  });
});

describe('a forced disconnect', () => {
  test('does not wait, but keeps the file open until the system lets go of the last buffer', async () => {
    const { io, device } = setUp();
    io.mostBytes = 512;
    const hold = new Hold();
    io.before = (call) => (call === 'writev' ? hold.wait() : undefined);
    const wrote = device.write(0, [sectors(2, 1)]);
    await hold.entered;
    await device.disconnect({ force: true });
    assert.deepEqual(io.calls, ['writev']);
    hold.release();
    await assert.rejects(wrote, (error) => isBlockError(error, 'DISCONNECTED'));
    assert.deepEqual(io.calls, ['writev', 'close']);
  });

  test('closes at once what is at rest, and resolves even if that fails', async () => {
    const { io, device } = setUp();
    io.before = () => {
      throw systemError('EIO');
    };
    await device.disconnect({ force: true });
    assert.deepEqual(io.calls, ['close']);
  });
});
