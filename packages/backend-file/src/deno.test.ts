import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isBlockError } from '@blockyard/block';
import { afterEach, beforeEach, test, vi } from 'vitest';
import { connectFile } from './index.js';
import { temporaryDirectories } from './testing/temporary.js';

const directory = temporaryDirectories();

beforeEach(() => vi.stubGlobal('Deno', {}));
afterEach(() => vi.unstubAllGlobals());

test('under Deno, which a lock would end, a device with one is refused, and one without works', async () => {
  const place = await directory();
  const options = { path: join(place, 'disk.img'), create: { sizeSectors: 1 } };
  await assert.rejects(connectFile(options), (error) => {
    assert.ok(isBlockError(error, 'UNSUPPORTED'));
    assert.match(error.message, /no file locks on Deno; lock: false does without/);
    return true;
  });
  assert.deepEqual(await readdir(place), []);
  const device = await connectFile({ ...options, lock: false });
  await device.write(0, [new Uint8Array(512)]);
  await device.flush();
  await device.disconnect();
});
