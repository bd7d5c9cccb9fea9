import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Setup } from './setup/setup.js';
import { type Tried, tryLaboratory } from './testing/laboratory.js';

const MIB = 2 ** 20;
const FILE: Setup = { backend: 'file', layout: 'chunks', hasCache: true, cacheBytes: 4 * MIB };
const FOLDER_LOG: Setup = { ...FILE, layout: 'log' };
const S3_LOG: Setup = { ...FOLDER_LOG, backend: 's3' };

let lab: Tried;
afterEach(async () => {
  expect(lab.laboratory.wrongReads).toBe(lab.wrongReadsExpected);
  await lab[Symbol.asyncDispose]();
});

describe('A server that is killed under load', () => {
  test('loses no flushed byte, also where it is killed from outside', async () => {
    lab = await tryLaboratory({ setup: FILE });
    const { bench } = lab.laboratory;
    await lab.controls.set('rate', 500);
    await lab.until(() => bench.unflushedBytes > 100_000);
    const before = bench.pid;
    await lab.change('kill');
    expect(bench.pid).not.toBe(before);
    expect(lab.story()).toContain(`The server, process ${before}, was killed (SIGKILL).`);
    expect(lab.story()).toMatch(/Started again, and all 8 MiB read, .*: every flushed byte is there/);
    const { reads } = bench.runner.counts;
    await lab.until(() => bench.runner.counts.reads > reads + 10);

    process.kill(bench.pid ?? 0, 'SIGKILL');
    await lab.until(() => (lab.story().match(/every flushed byte is there/g) ?? []).length === 2);
    expect(lab.story()).toContain('The server ended by SIGKILL, and no one here ended it.');
  });

  test('in memory takes the volume with it, which is told, and there is a new one', async () => {
    lab = await tryLaboratory({ setup: { ...FILE, backend: 'memory' } });
    expect(lab.control('kill')).toMatchObject({ isEnabled: false, why: 'What is in memory ends with the process.' });
    process.kill(lab.laboratory.bench.pid ?? 0, 'SIGKILL');
    await lab.until(() => lab.story().includes('that is what memory promises'));
    await lab.laboratory.settled;
    await lab.change('check');
    expect(lab.story()).toMatch(/All 8 MiB read in .*: every byte is what was written last/);
  });
});

test('A store that is cut off holds up reads, and lets writes fill the cache, until it is back; then the server is killed', async () => {
  lab = await tryLaboratory({ setup: S3_LOG });
  const { bench } = lab.laboratory;
  await lab.controls.set('rate', 500);
  await lab.controls.set('cut', true);
  expect(lab.control('cut').value).toBe(true);
  // Writers wait too, once the cache is full of what they wrote.
  await lab.until(() => bench.runner.counts.inFlight >= 16);
  const { reads, writes } = bench.runner.counts;
  expect(bench.unflushedBytes).toBeGreaterThan(200_000);
  expect((await bench.look())?.status.safeToStop).toBe(false);
  for (const id of ['kill', 'backend', 'layout', 'cache', 'check', 'snapshot']) {
    expect(lab.control(id).why, id).toBe('The store is cut off. Bring it back first.');
  }
  await lab.controls.set('cut', false);
  await lab.until(() => bench.runner.counts.reads > reads + 10 && bench.runner.counts.writes > writes + 10);
  await lab.until(() => /Flushed in .*: .* became durable/.test(lab.story()));
  expect(lab.story()).toMatch(/The store is back, after .* s\. .* waited for it\./);
  await lab.change('kill');
  expect(lab.story()).toContain('every flushed byte is there');
});

test('A rollback brings back every byte, whatever was broken since; another backend is another volume', async () => {
  lab = await tryLaboratory({ setup: FOLDER_LOG });
  expect(lab.control('roll-back').why).toBe('Take a snapshot first.');
  await lab.change('snapshot');
  await lab.change('break');
  expect(lab.laboratory.isBroken).toBe(true);
  await lab.change('roll-back');
  expect(lab.story()).toMatch(/faulty program has written over 2 MiB/);
  expect(lab.story()).toMatch(/Rolled back to snapshot-1, .*: every byte is what it was at the snapshot/);
  // Another one takes the place of the first.
  await lab.change('snapshot');
  await lab.change('roll-back');
  expect(lab.story()).toMatch(/Rolled back to snapshot-2, .*: every byte is what it was at the snapshot/);

  await lab.change('layout', 'chunks');
  expect(lab.story()).toMatch(/A volume of 8 MiB in a file, behind a cache of 4 MiB, was made/);
  expect(lab.control('snapshot').why).toBe('Only a volume that is laid out as a log has snapshots.');
  await expect(lab.controls.set('snapshot')).rejects.toMatchObject({ code: 'LOCKED' });
});

test('A cache grows, and goes, without another volume', async () => {
  lab = await tryLaboratory({ setup: FILE });
  const cache = async () => (await lab.laboratory.bench.look())?.snapshots.exports.demo?.cache;
  expect((await cache())?.maxSizeBytes).toBe(4 * MIB);
  await lab.controls.set('cache-size', 8 * MIB);
  await lab.until(async () => (await cache())?.maxSizeBytes === 8 * MIB);
  await lab.change('cache', false);
  expect(await cache()).toBeUndefined();
  expect(lab.control('cache-size')).toMatchObject({ isEnabled: false, why: 'There is no cache.' });
  await lab.change('check');
  expect(lab.story()).toMatch(/All 8 MiB read in .*: every byte is what was written last/);

  // Without a cache each request takes as long as the wire.
  await lab.controls.set('workload', 'idle');
  await lab.controls.set('latency', 400);
  const startMs = performance.now();
  await lab.controls.set('flush');
  await lab.until(() => !lab.laboratory.isFlushing);
  // A timer may end early, by part of a millisecond.
  expect(performance.now() - startMs).toBeGreaterThan(395);
});

test('Contents that are not what was written are told loudly, by reads and by a look at everything', async () => {
  lab = await tryLaboratory({ setup: { ...FILE, hasCache: false } });
  const file = await open(join(lab.directory, 'volume-1', 'disk.img'), 'r+');
  await lab.controls.set('workload', 'idle');
  await file.write(Buffer.alloc(4096, 'x'), 0, 4096, 4096 * 100);
  await file.close();
  await lab.change('check');
  expect(lab.story()).toMatch(/WRONG: All 8 MiB read in .*: 4 KiB are not what was written/);
  await lab.controls.set('workload', 'scan');
  await lab.until(() => /WRONG: a read of sector 100 gave contents that were never written there/.test(lab.story()));
  lab.wrongReadsExpected = lab.laboratory.wrongReads;
  expect(lab.wrongReadsExpected).toBeGreaterThan(1);
});

test('A control takes no value that it does not offer, and one change waits for no other: it is refused', async () => {
  lab = await tryLaboratory({ setup: FILE });
  for (const [id, value] of [
    ['workload', 'everything'],
    ['rate', 15],
    ['rate', 1e9],
    ['rate', 'fast'],
    ['cache', 'no'],
    ['backend', undefined],
    ['nonsense', 1],
  ] as const) {
    await expect(lab.controls.set(id, value), id).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  }

  const first = lab.controls.set('kill');
  await expect(lab.controls.set('backend', 'memory')).rejects.toThrow('Wait: the server starts again');
  await expect(lab.controls.set('kill')).rejects.toMatchObject({ code: 'LOCKED', retryable: true });
  await first;
  await lab.laboratory.settled;
  await Promise.all([lab.controls.set('rate', 100), lab.controls.set('rate', 300), lab.controls.set('latency', 5)]);
  expect(lab.control('rate').value).toBe(300);
  expect(lab.laboratory.setup.backend).toBe('file');

  // The end frees everything, also in the middle of a change.
  await lab.controls.set('kill');
  const pid = lab.laboratory.bench.pid;
  await lab.laboratory.stop();
  expect(lab.laboratory.bench.pid).toBeUndefined();
  if (pid !== undefined) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  await expect(lab.controls.set('check')).rejects.toThrow();
});
