import assert from 'node:assert/strict';
import { rename, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isBlockError } from '@blockyard/block';
import { beforeEach, describe, test, vi } from 'vitest';
import { connectFile } from './index.js';
import { openDescriptors, temporaryDirectories } from './testing/temporary.js';

/** What happens between the opening of a file and everything that follows. */
const afterOpen = vi.hoisted(() => ({ act: async (_times: number): Promise<void> => {}, times: 0 }));

vi.mock('node:fs/promises', async (importActual) => {
  const actual = await importActual<typeof import('node:fs/promises')>();
  const open: typeof actual.open = async (...args) => {
    const handle = await actual.open(...args);
    afterOpen.times++;
    await afterOpen.act(afterOpen.times);
    return handle;
  };
  return { ...actual, open };
});

beforeEach(() => {
  afterOpen.times = 0;
  afterOpen.act = async () => {};
});

const directory = temporaryDirectories();

async function sparseFile(path: string, bytes: number): Promise<void> {
  await writeFile(path, '');
  await truncate(path, bytes);
}

describe('a file that is replaced between being opened and being locked', () => {
  test('gives the device and the lock of the one that is there now', async () => {
    const path = join(await directory(), 'disk.img');
    await sparseFile(path, 512);
    afterOpen.act = async (times) => {
      if (times > 1) return;
      await sparseFile(`${path}.new`, 1024);
      await rename(`${path}.new`, path);
    };
    const descriptors = await openDescriptors();
    const device = await connectFile({ path });
    assert.equal(device.info.sizeSectors, 2);
    await assert.rejects(connectFile({ path }), (error) => isBlockError(error, 'LOCKED'));
    await device.disconnect();
    assert.equal(await openDescriptors(), descriptors);
  });

  test('again and again is given up on', async () => {
    const path = join(await directory(), 'disk.img');
    await sparseFile(path, 512);
    afterOpen.act = async (times) => {
      await sparseFile(`${path}.${times}`, 512);
      await rename(`${path}.${times}`, path);
    };
    const descriptors = await openDescriptors();
    await assert.rejects(connectFile({ path }), (error) => isBlockError(error, 'UNAVAILABLE') && error.retryable);
    assert.equal(await openDescriptors(), descriptors);
  });

  test('by nothing is not found', async () => {
    const path = join(await directory(), 'disk.img');
    await sparseFile(path, 512);
    afterOpen.act = () => unlink(path);
    await assert.rejects(connectFile({ path }), (error) => isBlockError(error, 'NOT_FOUND'));
  });
});
