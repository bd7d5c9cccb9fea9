import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isBlockError } from '@blockyard/block';
import { describe, test, vi } from 'vitest';
import { connectFile } from './index.js';
import { temporaryDirectories } from './testing/temporary.js';

vi.mock('koffi', () => {
  throw new Error('not installed');
});

const directory = temporaryDirectories();

describe('without the optional package', () => {
  test('a device works as before, does not know its holes, and says so', async () => {
    const path = join(await directory(), 'disk.img');
    await using device = await connectFile({ path, create: { sizeSectors: 64 } });
    assert.deepEqual(device.info.native, { discard: true, writeZeroes: true, extents: false });
    assert.deepEqual(await device.extents(1, 63), [{ start: 1, count: 63, type: 'data' }]);
    await device.write(0, [new Uint8Array(512).fill(1)]);
    await device.discard(0, 64);
    await device.flush();
  });

  test('space cannot be reserved, and nothing is created', async () => {
    const place = await directory();
    const options = { path: join(place, 'disk.img'), create: { sizeSectors: 1, reserve: true } };
    await assert.rejects(connectFile(options), (error) => {
      assert.ok(isBlockError(error, 'UNSUPPORTED'));
      assert.match(error.message, /koffi/);
      return true;
    });
    assert.deepEqual(await readdir(place), []);
  });
});
