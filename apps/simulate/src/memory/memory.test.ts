import { ok } from 'node:assert';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../dist/memory/main.js', import.meta.url));
const MIB = 2 ** 20;
/** Of the runtime, beside the cache's budget. */
const OTHERS_BYTES = 150 * MIB;
/** Code that was compiled meanwhile, and the like. */
const HELD_SLACK_BYTES = 4 * MIB;
const RSS_SLACK_BYTES = 48 * MIB;
/** glibc would rather keep large blocks that were freed than give them back, and learns that from the first ones. */
const ENV = { ...process.env, MALLOC_MMAP_THRESHOLD_: '131072' };

test.each(['healthy', 'failing'])(
  '10 GiB through 64 MiB of cache over a %s base stay within memory',
  async (base) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', MAIN, base], { env: ENV });
    const { budgetBytes, startBytes, worstBytes, endBytes, startHeldBytes, endHeldBytes } = JSON.parse(stdout);
    const shown = `start ${startBytes / MIB} MiB, worst ${worstBytes / MIB} MiB, end ${endBytes / MIB} MiB`;
    ok(worstBytes <= budgetBytes + OTHERS_BYTES, shown);
    ok(endHeldBytes <= startHeldBytes + HELD_SLACK_BYTES, `held: ${startHeldBytes}, at the end ${endHeldBytes}`);
    ok(endBytes <= startBytes + RSS_SLACK_BYTES, shown);
  },
  300_000,
);
