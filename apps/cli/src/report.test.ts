import { readdir, readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { type Browser, hasBrowser, launchBrowser } from '@blockyard/browser-testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Timeline } from './load/timeline.js';
import { makeFolder, runHere } from './testing/cli.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let browser: Browser | undefined;

beforeAll(async () => {
  folder = await makeFolder();
  browser = hasBrowser() ? await launchBrowser() : undefined;
});
afterAll(async () => {
  await browser?.close();
  await folder.remove();
});

async function run(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere(words);
  expect({ code, stderr }, stderr).toMatchObject({ code: 0 });
  return stdout;
}

/** What a report shows in a browser: rows of its tables by their caption, and its charts. */
async function shown(file: string) {
  if (browser === undefined) return undefined;
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  const url = pathToFileURL(file).href;
  page.on('request', (request) => request.url() !== url && complaints.push(request.url()));
  await page.goto(url);
  await page.waitForSelector('.u-over');
  if (process.env.BLOCKYARD_SCREENSHOTS) {
    const name = file.split('/').at(-1)?.replace('.html', '.png');
    await page.screenshot({ path: `${process.env.BLOCKYARD_SCREENSHOTS}/${name}`, fullPage: true });
  }
  const charts = await page.locator('[data-chart] canvas').count();
  const cells = (selector: string) =>
    page.locator(selector).evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
  const rows = await cells('section > .scroll tbody tr');
  await page.close();
  expect(complaints).toEqual([]);
  return { charts, rows };
}

const load = ['--block', '64K', '--seconds', '0.3', '--read-share', '50', '--overwrite'];

test('bench writes a report with durability, requests and dollars beside each row; several runs stand side by side', async () => {
  const uri = `dir:${folder.in('store')}/one`;
  await run('create', uri, '--size', '16M');
  const printed = JSON.parse(
    await run('bench', uri, ...load, '--json', '--report', folder.in('one.html'), '--cache', '4M'),
  );
  expect(printed).toMatchObject({ format: 'blockyard-run-1', durability: { write: 'memory', flush: 'local' } });
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  expect(sum(printed.timeline.readOperations)).toBe(printed.reads.operations);
  expect(sum(printed.timeline.writeBytes)).toBe(printed.writes.bytes);
  expect(printed.reads.percentiles.at(0)[1]).toBeLessThanOrEqual(printed.reads.percentiles.at(-1)[1]);
  expect((await readFile(folder.in('one.html'))).byteLength).toBeLessThan(2 ** 20);
  const one = await shown(folder.in('one.html'));
  if (one !== undefined) {
    expect(one.charts).toBe(3);
    const reads = one.rows.find(([name]) => name === 'reads');
    expect(reads).toContain('written in memory, flushed on a local disk');
    const requests = sum(Object.values(printed.store.requests));
    expect(reads?.at(2)).toBe(String(requests));
    expect(reads?.at(3)).toMatch(/^\$/);
  }
  await writeFile(folder.in('one.json'), JSON.stringify(printed));
  await writeFile(folder.in('two.json'), await run('bench', 'memory:?size=16M', ...load, '--json'));
  await run('report', folder.in('one.json'), folder.in('two.json'), '--out', folder.in('both.html'));
  const both = await shown(folder.in('both.html'));
  if (both !== undefined)
    expect(both.rows.map(([name]) => name)).toEqual(expect.arrayContaining(['one: reads', 'two: writes']));
});

test('replay writes one, too', async () => {
  await writeFile(folder.in('trace.csv'), 'offset,bytes,op\n0,65536,R\n65536,4096,R\n');
  await run('replay', folder.in('trace.csv'), 'memory:?size=1M', '--report', folder.in('replayed.html'));
  const replayed = await shown(folder.in('replayed.html'));
  if (replayed !== undefined) expect(replayed.rows.find(([name]) => name === 'reads')).toContain('2');
});

test('a report that could not be written is refused before the run, and nothing but a report is overwritten', async () => {
  const bench = ['bench', 'memory:?size=1M', '--seconds', '0.01', '--report'];
  await writeFile(folder.in('disk.img'), 'precious');
  expect(await runHere([...bench, folder.in('disk.img')])).toMatchObject({ code: 2, stdout: '' });
  expect(await runHere([...bench, folder.in('nowhere/a.html')])).toMatchObject({ code: 1, stdout: '' });
  await writeFile(folder.in('other.json'), '{"format":"blockyard-run-1","reads":{}}');
  for (const [files, code] of [
    [['other.json'], 1],
    [['disk.img'], 1],
    [['none.json'], 1],
    [['a', 'b', 'c', 'd', 'e'], 2],
  ] as const) {
    const words = ['report', ...files.map((name) => folder.in(name)), '--out', folder.in('none.html')];
    expect(await runHere(words), files.join()).toMatchObject({ code });
  }
  expect((await readdir(folder.path)).filter((name) => name.startsWith('none'))).toEqual([]);
  expect(await readFile(folder.in('disk.img'), 'utf8')).toBe('precious');
});

test('a timeline keeps every operation, however long a run is', () => {
  const timeline = new Timeline();
  for (let at = 0; at < 100_000; at += 10) timeline.add(at % 20 === 0, 7, at);
  const { everySeconds, readOperations, writeOperations, writeBytes } = timeline.summary();
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  expect([everySeconds, readOperations.length]).toEqual([0.8, 125]);
  expect([sum(readOperations), sum(writeOperations), sum(writeBytes)]).toEqual([5000, 5000, 35_000]);
  expect(new Set(writeOperations)).toEqual(new Set([40]));
});
