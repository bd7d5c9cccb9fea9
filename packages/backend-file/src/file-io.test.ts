import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { holesOf } from './file-io.js';
import type { Libc } from './libc.js';
import { systemError } from './testing/file-io.js';
import { temporaryDirectories } from './testing/temporary.js';

const directory = temporaryDirectories();

describe('the holes of a file', () => {
  const telling: Libc = { seekData: async () => 0, seekHole: async () => 0, reserve: async () => {} };

  const isTold = async (libc: Libc | undefined) => {
    const handle = await open(join(await directory(), 'disk.img'), 'w+');
    try {
      return (await holesOf(handle, libc, 512)) !== undefined;
    } finally {
      await handle.close();
    }
  };

  test.each(['EINVAL', 'ENOTSUP', 'ENOSYS', 'EIO'])(
    'are not told where either question fails with %s',
    async (errno) => {
      const refuse = async () => {
        throw systemError(errno);
      };
      assert.equal(await isTold(telling), true);
      assert.equal(await isTold({ ...telling, seekData: refuse }), false);
      assert.equal(await isTold({ ...telling, seekHole: refuse }), false);
    },
  );

  test('are not told without the system calls', async () => {
    assert.equal(await isTold(undefined), false);
  });
});
