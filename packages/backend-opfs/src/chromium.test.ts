import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasBrowser, launchProfile } from '@blockyard/browser-testing';
import { describe, expect, test } from 'vitest';
import type { KitRequest } from './testing/kit-worker.js';
import type { CaseResult } from './testing/run-cases.js';
import { serveSite } from './testing/serve.js';
import type { SubjectFacts } from './testing/subject.js';

declare const tests: {
  kitInWorker(request: KitRequest): Promise<CaseResult[]>;
  runExample(): Promise<CaseResult>;
  kitOverWorker(facts: SubjectFacts, seed: number): Promise<CaseResult[]>;
};

const isThorough = process.env.BLOCKYARD_THOROUGH === '1';
const sectorSizes = (...sizes: number[]) => (isThorough ? {} : { sectorSizes: sizes });
/** Of 512 bytes: 6 GiB, more than 32 bits can count and less than what the browser grants. */
const HUGE_SECTORS = 12 * 2 ** 20;

/** The first program of the page. */
async function exampleOf(page: URL): Promise<string> {
  return /^```js\n(.*?)^```$/ms.exec(await readFile(page, 'utf8'))?.[1] ?? '';
}

/** Runs the kit in a browser whose profile is on this machine's disk. */
async function runKit(): Promise<readonly CaseResult[]> {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const site = await serveSite({
    '/page.js': 'testing/kit-page.ts',
    '/kit-worker.js': 'testing/kit-worker.ts',
    '/worker.js': 'worker.ts',
    '/example.js': await exampleOf(new URL('../README.md', import.meta.url)),
  });
  const profile = await mkdtemp(join(tmpdir(), 'blockyard-opfs-'));
  const context = await launchProfile(profile);
  try {
    const page = await context.newPage();
    await page.goto(site.url);
    const inWorker = [
      { facts: { name: 'in a worker', sectorSizes: [512], hugeSectors: HUGE_SECTORS }, cached: false, seed },
      ...(isThorough ? [{ facts: { name: 'in a worker', sectorSizes: [4096, 65_536] }, cached: false, seed }] : []),
      ...(isThorough ? [{ facts: { name: 'cached' }, cached: true, seed }] : []),
    ];
    const results: CaseResult[] = [await page.evaluate(() => tests.runExample())];
    for (const request of inWorker) {
      results.push(...(await page.evaluate((each) => tests.kitInWorker(each), request)));
    }
    const over = [{ name: 'over a worker', ...sectorSizes(4096) }, seed] as const;
    results.push(...(await page.evaluate(([facts, s]) => tests.kitOverWorker(facts, s), over)));
    return results;
  } finally {
    await context.close();
    await site.close();
    await rm(profile, { recursive: true });
  }
}

const results = hasBrowser() ? await runKit() : [];

describe.skipIf(!hasBrowser())('in Chromium', () => {
  test.each(results.map((result) => [result.group, result.title, result] as const))('%s: %s', (_, __, result) => {
    expect(result.message).toBeUndefined();
  });

  test('the cases of shared memory and of huge volumes are among them', () => {
    const run = results.filter(({ outcome }) => outcome === 'passed').map(({ title }) => title);
    expect(run).toContain('A3: memory shared with other threads is memory like any other');
    expect(run).toContain('B3: a read of more than 2 GiB is filled to its end');
  });
});
