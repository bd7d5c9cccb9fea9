import assert from 'node:assert/strict';
import { isBlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import { Sync } from './sync.js';
import { FakeFileIo, Hold, systemError } from './testing/file-io.js';

function setUp() {
  const io = new FakeFileIo(0);
  return { io, sync: new Sync(io) };
}

describe('flush', () => {
  test('is complete the first time, since an earlier process may have left data or a size', async () => {
    const { io, sync } = setUp();
    await sync.flush();
    assert.deepEqual(io.calls, ['sync']);
  });

  test('costs nothing when nothing has changed', async () => {
    const { io, sync } = setUp();
    await sync.flush();
    await sync.flush();
    assert.equal(io.calls.length, 1);
    sync.contentsChanged();
    await sync.flush();
    assert.equal(io.calls.length, 2);
  });

  test('is not answered by one that began before the change', async () => {
    const { io, sync } = setUp();
    const holds = [new Hold(), new Hold()] as const;
    io.before = () => holds[io.calls.length - 1]?.wait();
    const first = sync.flush();
    await holds[0].entered;
    sync.contentsChanged();
    let settled = false;
    const second = sync.flush().then(() => {
      settled = true;
    });
    holds[0].release();
    await first;
    await holds[1].entered;
    assert.equal(settled, false);
    holds[1].release();
    await second;
  });

  test('waits together with others for one turn of the disk', async () => {
    const { io, sync } = setUp();
    const hold = new Hold();
    io.before = () => hold.wait();
    const first = sync.flush();
    await hold.entered;
    sync.contentsChanged();
    const others = Array.from({ length: 50 }, () => sync.flush());
    hold.release();
    await Promise.all([first, ...others]);
    assert.equal(io.calls.length, 2);
  });

  test('is complete after a change of size, and only then', async () => {
    const { io, sync } = setUp();
    sync.sizeChanged();
    await sync.flush();
    sync.contentsChanged();
    await sync.flush();
    assert.deepEqual(io.calls, ['sync', 'datasync']);
  });

  test('never succeeds again after it failed, and names the first failure', async () => {
    const { io, sync } = setUp();
    const cause = systemError('EIO');
    io.before = () => {
      throw cause;
    };
    await assert.rejects(sync.flush(), (error) => isBlockError(error, 'IO') && error.cause === cause);
    io.before = () => {};
    for (let i = 0; i < 2; i++) {
      sync.contentsChanged();
      await assert.rejects(sync.flush(), (error) => {
        assert.ok(isBlockError(error, 'FLUSH_FAILED'));
        assert.equal((error.cause as Error).cause, cause);
        return true;
      });
    }
    assert.equal(io.calls.length, 1);
  });

  test('that waited for one that failed does not succeed either', async () => {
    const { io, sync } = setUp();
    const hold = new Hold();
    io.before = async () => {
      await hold.wait();
      throw systemError('ENOSPC');
    };
    const first = sync.flush();
    const second = sync.flush();
    sync.contentsChanged();
    const third = sync.flush();
    hold.release();
    const results = await Promise.allSettled([first, second, third]);
    const codes = results.map((result) => result.status === 'rejected' && result.reason.code);
    assert.deepEqual(codes, ['NO_SPACE', 'FLUSH_FAILED', 'FLUSH_FAILED']);
    const retryable = results.map((result) => result.status === 'rejected' && result.reason.retryable);
    assert.deepEqual(retryable, [false, false, false]);
  });
});
