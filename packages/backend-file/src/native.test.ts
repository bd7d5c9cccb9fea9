import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isBlockError } from '@blockyard/block';
import { describe, test, vi } from 'vitest';
import { connectFile } from './index.js';
import { temporaryDirectories } from './testing/temporary.js';

vi.mock('fs-native-extensions', () => {
  throw new Error('no build for this platform');
});

const directory = temporaryDirectories();

describe('on a platform without the native part', () => {
  test('a lock is refused with the reason, before anything is created', async () => {
    const place = await directory();
    const options = { path: join(place, 'disk.img'), create: { sizeSectors: 1 } };
    await assert.rejects(connectFile(options), (error) => {
      assert.ok(isBlockError(error, 'UNSUPPORTED'));
      assert.match(error.message, /no file locks on .*; lock: false does without/);
      return true;
    });
    assert.deepEqual(await readdir(place), []);
  });

  test('a device without a lock works, and discards by writing zeroes', async () => {
    const path = join(await directory(), 'disk.img');
    const device = await connectFile({ path, lock: false, create: { sizeSectors: 64 } });
    await device.write(0, [new Uint8Array(64 * 512).fill(1)]);
    await device.discard(1, 63);
    const found = new Uint8Array(64 * 512).fill(2);
    await device.read(0, [found]);
    assert.ok(found.subarray(512).every((byte) => byte === 0));
    assert.equal(found[511], 1);
    await device.flush();
    assert.ok((await stat(path)).blocks > 32);
    await device.disconnect();
  });
});
