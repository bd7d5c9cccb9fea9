import { readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeBtr1 } from './testing/btr1.js';
import { blockyard, makeFolder, runHere } from './testing/cli.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;

beforeAll(async () => {
  folder = await makeFolder();
  // Reads the same 64 KiB a hundred times, in units of 512 bytes, and writes 4 KiB elsewhere.
  const reads = Array.from({ length: 100 }, () => ({ start: 0, length: 128 }));
  const trace = encodeBtr1([...reads, { start: 2048, length: 8, isWrite: true }]);
  await writeFile(folder.in('hot.btr.gz'), gzipSync(trace));
});
afterAll(() => folder.remove());

test('counts what was asked for, and what of it reached the base', async () => {
  const args = ['replay', folder.in('hot.btr.gz'), 'memory:?size=8M', '--json', '--depth', '1'];
  const { code, stdout } = await blockyard([...args, '--cache', '4M']);
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    trace: 'tiny',
    timing: 'as fast as possible',
    requests: 101,
    reads: { operations: 100, bytes: 100 * 65_536 },
    writes: { operations: 1, bytes: 4096 },
    cache: { lookups: 100, hits: 99, misses: 1, hitRatio: 0.99 },
    base: { writes: 1, writeBytes: 4096 },
  });
  const raw = JSON.parse((await runHere(args)).stdout);
  expect(raw).toMatchObject({ cache: null, base: { reads: 100, readBytes: 100 * 65_536, writes: 1 } });
});

test('prints a table', async () => {
  const { stdout } = await runHere(['replay', folder.in('hot.btr.gz'), 'memory:?size=8M', '--cache', '4M']);
  expect(stdout).toMatch(/^tiny: 101 requests in /);
  expect(stdout).toMatch(/cache: \d+ hits, \d+ misses/);
});

test('keeps the times of a trace that has them, unless told not to', async () => {
  await writeFile(folder.in('timed.csv'), '0,4096,R,1000\n0,4096,R,1150\n');
  const args = ['replay', folder.in('timed.csv'), 'memory:?size=1M', '--json'];
  const timed = JSON.parse((await runHere(args)).stdout);
  expect(timed.timing).toBe('original');
  expect(timed.seconds).toBeGreaterThanOrEqual(0.149);
  const fast = JSON.parse((await runHere([...args, '--as-fast-as-possible'])).stdout);
  expect(fast).toMatchObject({ timing: 'as fast as possible', lateMsMax: null });
});

test('requests that are not whole sectors are widened to whole ones', async () => {
  await writeFile(folder.in('odd.csv'), '100,1000,R\n');
  const { stdout } = await runHere(['replay', folder.in('odd.csv'), 'memory:?size=1M', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ reads: { bytes: 1000 }, base: { readBytes: 1536 } });
});

test('a trace that is too large for the device is refused, with the size it needs', async () => {
  const refused = await runHere(['replay', folder.in('hot.btr.gz'), 'memory:?size=1M']);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('the trace needs 1052672 bytes') });
});

test('a trace with writes leaves a device alone, unless told otherwise', async () => {
  await writeFile(folder.in('disk.img'), new Uint8Array(2 ** 21).fill(1));
  const args = ['replay', folder.in('hot.btr.gz'), `file:${folder.in('disk.img')}`];
  expect(await runHere(args)).toMatchObject({ code: 2, stderr: expect.stringContaining('--overwrite') });
  expect((await readFile(folder.in('disk.img')))[2 ** 20]).toBe(1);
  expect((await runHere([...args, '--overwrite'])).code).toBe(0);
  expect((await readFile(folder.in('disk.img')))[2 ** 20]).toBe(0xa5);
});

test('a first request in quotes is refused, not taken for a heading', async () => {
  await writeFile(folder.in('quoted.csv'), '"0","4096","W"\n4096,4096,R\n');
  const refused = await runHere(['replay', folder.in('quoted.csv'), 'memory:?size=1M']);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('must be') });
});

test('bytes behind the last record are an error', async () => {
  const trace = Buffer.concat([encodeBtr1([{ start: 0, length: 8 }]), Buffer.from('EXTRA')]);
  await writeFile(folder.in('extra.btr'), trace);
  const refused = await runHere(['replay', folder.in('extra.btr'), 'memory:?size=1M']);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('goes on after the 1 records') });
});

test('nothing in a trace steers the terminal', async () => {
  const trace = encodeBtr1([{ start: 0, length: 8 }])
    .toString('latin1')
    .replace('"tiny"', '"\\u001b[31mred"');
  await writeFile(folder.in('red.btr'), Buffer.from(trace, 'latin1'));
  const { code, stdout } = await runHere(['replay', folder.in('red.btr'), 'memory:?size=1M']);
  expect([code, stdout.includes('\u001b'), stdout.startsWith('\\x1b[31mred: ')]).toEqual([0, false, true]);
});
