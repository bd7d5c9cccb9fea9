import { readFile, writeFile } from 'node:fs/promises';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { costsOfLayout } from './advise/layouts.js';
import { sampleOf } from './advise/sample.js';
import { TraceClock } from './advise/trace-clock.js';
import { makeFolder, runHere } from './testing/cli.js';
import { parseCsv } from './trace/csv.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Between the advice and a replay with the real cache, whose policy has another seed: a cache this small depends on it. */
const HIT_DIFFERENCE_MAX = 0.03;
/** The same for requests, as a share. A log in a store also has checkpoints. */
const REQUEST_DIFFERENCE_MAX = 0.1;

let folder: Awaited<ReturnType<typeof makeFolder>>;

/** Some blocks are popular, some are read in order, some are written: over 32 MiB. */
function traceText(requests: number, seed: number): string {
  const random = xoroshiro128plus(seed);
  const lines = ['offset,bytes,op'];
  let next = 0;
  for (let i = 0; i < requests; i++) {
    const kind = uniformInt(random, 0, 9);
    const popular = Math.floor(uniformInt(random, 0, 127) ** 2 / 128) * 128 * KIB;
    if (kind < 2) lines.push(`${16 * MIB + (next++ % 256) * 64 * KIB},65536,R`);
    else if (kind < 7) lines.push(`${popular + uniformInt(random, 0, 31) * 4 * KIB},4096,R`);
    else lines.push(`${popular + uniformInt(random, 0, 15) * 4 * KIB},8192,W`);
  }
  return `${lines.join('\n')}\n`;
}

beforeAll(async () => {
  folder = await makeFolder();
  await writeFile(folder.in('trace.csv'), traceText(3000, 1));
});
afterAll(() => folder.remove());

async function json(...words: readonly string[]) {
  const { code, stdout, stderr } = await runHere([...words, '--json']);
  expect({ code, stderr }, stderr).toMatchObject({ code: 0 });
  return JSON.parse(stdout);
}

interface Trial {
  readonly layout: string;
  readonly cacheBytes: number | null;
  readonly lookups: number;
  readonly hits: number;
  readonly hitRatio: number;
  readonly requests: { readonly get: number; readonly put: number };
  readonly cost: { readonly totalUsd: number };
}

test('an advice is what a replay with the real cache gives that sends one request at a time', async () => {
  const words = ['advise', folder.in('trace.csv'), '--caches', '8M', '--lines', '64K', '--layout', 'log'];
  const [none, cached] = (await json(...words)).trials as Trial[];
  expect(none?.lookups).toBe(0);
  const uri = `dir:${folder.in('store')}/volume`;
  await runHere(['create', uri, '--size', '32M']);
  // As it is before a trace: data everywhere, in order.
  await runHere(['write', uri, '/dev/urandom', '--length', '32M']);
  const replay = ['replay', folder.in('trace.csv'), uri, '--cache', '8M', '--depth', '1', '--overwrite'];
  const { cache, store } = await json(...replay);
  expect(cache.lookups).toBe(cached?.lookups);
  expect(Math.abs(cache.hitRatio - (cached?.hitRatio ?? 0))).toBeLessThan(HIT_DIFFERENCE_MAX);
  const share = (cached?.requests.get ?? 0) / store.classes.log.requests.get;
  expect(Math.abs(share - 1)).toBeLessThan(REQUEST_DIFFERENCE_MAX);
});

test('it ends in the smallest cache that is nearly as good as the best one, as text, JSON and a report', async () => {
  const words = [
    'advise',
    folder.in('trace.csv'),
    '--caches',
    '2M,32M,64M',
    '--lines',
    '64K',
    '--report',
    folder.in('advice.html'),
  ];
  const { trials, recommendation, share } = await json(...words);
  expect(share).toBe(1);
  expect(recommendation).toMatchObject({ cacheBytes: 32 * MIB, lineBytes: 64 * KIB, layout: 'log' });
  expect(recommendation.text).toMatch(/^32 MiB at 64 KiB lines: (0\.9\d|1\.00) of the hits that (32|64) MiB gets; /);
  const [none] = trials as Trial[];
  expect(none).toMatchObject({ cacheBytes: null, hitRatio: null });
  expect((trials as Trial[])[3]?.cost.totalUsd).toBeLessThan(none?.cost.totalUsd ?? 0);
  expect(await readFile(folder.in('advice.html'), 'utf8')).toContain(recommendation.text);
  const { stdout } = await runHere([
    'advise',
    folder.in('trace.csv'),
    '--caches',
    '32M',
    '--lines',
    '64K',
    '--prices',
    'none',
  ]);
  expect(stdout).not.toContain('dollars');
  expect(stdout.trim().split('\n').at(-1)).toMatch(/^32 MiB at 64 KiB lines: /);
});

test('a sample is close to all of it, and tells how close', async () => {
  await writeFile(folder.in('wide.csv'), wideText());
  const words = ['advise', folder.in('wide.csv'), '--caches', '64M', '--lines', '16K', '--layout', 'log'];
  const [all] = (await json(...words)).trials.slice(1);
  const { trials, share } = await json(...words, '--sample', '25');
  const [, sampled] = trials;
  expect(share).toBe(0.25);
  expect(Math.abs(sampled.hitRatio - all.hitRatio)).toBeLessThan(0.05);
  expect(sampled.sampleDifference).toBeGreaterThan(0);
  expect(Math.abs(sampled.lookups / all.lookups - 1)).toBeLessThan(0.2);
});

/** Over 2 GiB, of which every part is as popular as any other. */
function wideText(): string {
  const random = xoroshiro128plus(7);
  return Array.from({ length: 20_000 }, () => {
    const block = uniformInt(random, 0, 127) * 16 * MIB + Math.floor(uniformInt(random, 0, 63) ** 2 / 64) * 16 * KIB;
    return `${block},4096,R`;
  }).join('\n');
}

test.each([
  [['--caches', '4K'], 2],
  [['--lines', '3K'], 2],
  [['--lines', '64M'], 2],
  [['--caches', '1,2,3,4,5,6,7,8,9'], 2],
  [['--sample', '0'], 2],
  [['--report', 'disk.img'], 2],
])('what makes no sense is refused: %s', async (words, code) => {
  expect(await runHere(['advise', folder.in('trace.csv'), ...words])).toMatchObject({ code, stdout: '' });
});

describe('layouts', () => {
  test('chunks: a GET for each chunk that is read, and for a part that is written also that of the rest', () => {
    const chunks = costsOfLayout('chunks');
    chunks.read(MIB - 4096, MIB + 4096);
    chunks.write(0, MIB);
    chunks.write(MIB, MIB + 4096);
    expect(chunks.counts()).toMatchObject({
      requests: { get: 3, put: 2 },
      uploadBytes: 2 * MIB,
      downloadBytes: MIB + 8192,
    });
  });

  describe('a log', () => {
    /** A log of which one piece of 4 KiB is in another segment than what is around it. */
    function overwritten() {
      const log = costsOfLayout('log');
      log.write(64 * KIB, 68 * KIB);
      for (let at = MIB; at < 9 * MIB; at += 64 * KIB) log.write(at, at + 64 * KIB);
      return log;
    }

    test('takes a PUT for each segment, in which what is written again takes no more room', () => {
      const log = costsOfLayout('log');
      for (let round = 0; round < 3; round++) log.write(64 * KIB, 128 * KIB);
      for (let at = 0; at < 8 * MIB; at += 64 * KIB) log.write(at, at + 64 * KIB);
      log.write(0, 4 * KIB);
      expect(log.counts()).toMatchObject({ requests: { put: 2 }, uploadBytes: 8 * MIB + 4 * KIB });
    });

    test('takes a GET for what lies together, with a small gap', () => {
      const log = overwritten();
      log.read(0, 128 * KIB);
      expect(log.counts()).toMatchObject({ requests: { get: 2 }, downloadBytes: 132 * KIB });
    });

    test('takes none for what is not stored yet', () => {
      const log = costsOfLayout('log');
      log.write(0, 64 * KIB);
      log.read(0, 64 * KIB);
      expect(log.counts()).toMatchObject({ requests: { get: 0 } });
    });

    test('takes one for reads that begin at once, and two for those that do not', async () => {
      const [together, apart] = [costsOfLayout('log'), costsOfLayout('log')];
      for (const log of [together, apart]) {
        log.read(0, 4 * KIB);
        if (log === apart) await Promise.resolve();
        log.read(8 * KIB, 12 * KIB);
      }
      expect(together.counts()).toMatchObject({ requests: { get: 1 }, downloadBytes: 12 * KIB });
      expect(apart.counts()).toMatchObject({ requests: { get: 2 }, downloadBytes: 8 * KIB });
    });

    test('tells which GET brings what', () => {
      const log = overwritten();
      log.write(72 * KIB, 76 * KIB);
      const fragments = log
        .fragments?.(60 * KIB, 80 * KIB)
        .map(({ from, to, request }) => [from / KIB, to / KIB, request]);
      expect(fragments).toEqual([
        [60, 64, 1],
        [64, 68, 2],
        [68, 72, 1],
        [72, 76, 0],
        [76, 80, 1],
      ]);
    });
  });
});

test('samples are disjoint, and take whole regions', () => {
  const trace = parseCsv(Array.from({ length: 400 }, (_, at) => `${at * 8 * MIB},${8 * MIB},R`).join('\n'), 'wide');
  const [a, b] = [sampleOf(trace, 0.25, 0), sampleOf(trace, 0.25, 1)];
  const regions = ({ offsets }: typeof a) => new Set(Array.from(offsets, (at) => Math.floor(at / (16 * MIB))));
  expect(regions(a).size).toBeGreaterThan(20);
  expect(a.offsets.length).toBe(2 * regions(a).size);
  expect([...regions(a)].filter((region) => regions(b).has(region))).toEqual([]);
});

test('the clock of a trace fires what is due, in order, also what that sets', () => {
  const clock = new TraceClock();
  const fired: [string, number][] = [];
  const note = (name: string) => fired.push([name, clock.now()]);
  clock.set(() => note('late'), 30);
  clock.set(() => {
    note('early');
    clock.set(() => note('chained'), 5);
  }, 10);
  clock.clear(clock.set(() => note('never'), 1));
  clock.moveTo(20);
  expect(fired).toEqual([
    ['early', 10],
    ['chained', 15],
  ]);
  clock.moveTo(30);
  expect([fired.at(-1), clock.now()]).toEqual([['late', 30], 30]);
});
