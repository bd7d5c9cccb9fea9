import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, hasBrowser, launchBrowser, type Page } from '@blockyard/browser-testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportHtml } from './html.js';
import type { Chart, Report } from './report.js';

const HOSTILE = `</script><script>document.title='run'</script><img src="https://evil.example/x" onerror="document.title='run'">`;
const SIZE_MAX = 2 ** 20;

const seconds = Array.from({ length: 240 }, (_, at) => at / 4);
const throughput: Chart = {
  title: 'Operations per second',
  x: { label: 'time', unit: 'seconds', values: seconds },
  y: { label: 'operations per second', unit: 'count' },
  series: [
    { label: 'reads', values: seconds.map((at) => 20_000 + 3000 * Math.sin(at)) },
    { label: 'writes', values: seconds.map((at) => (at < 5 ? null : 8000 + 1000 * Math.cos(at))) },
  ],
};
const latency: Chart = {
  title: 'Latency by percentile',
  x: { label: 'percentile', unit: 'percentile', values: [0, 50, 90, 99, 99.9, 99.99] },
  y: { label: 'latency', unit: 'ms', isLogarithmic: true },
  series: [{ label: 'reads', values: [0.01, 0.05, 0.09, 1.2, 18, 40] }],
};
const report: Report = {
  title: `A run ${HOSTILE}`,
  summary: HOSTILE,
  sections: [
    {
      heading: 'Results',
      tables: [
        {
          caption: 'Runs',
          columns: [
            { label: '' },
            { label: 'bytes', unit: 'bytes' },
            { label: 'median', unit: 'ms' },
            { label: 'requests', unit: 'count' },
            { label: 'dollars', unit: 'usd' },
            { label: 'share', unit: 'share' },
            { label: 'durability' },
          ],
          rows: [
            [HOSTILE, 3 * 2 ** 20, 0.05123, 123_456, 0.000_123, 0.9134, 'written memory, flushed store'],
            ['writes', null, null, null, 12.345, null, ''],
          ],
        },
      ],
      charts: [throughput, latency],
    },
  ],
};

test('a report has its numbers in units, and nothing of what is in a name becomes markup', async () => {
  const html = await reportHtml(report);
  expect(html.length).toBeLessThan(SIZE_MAX);
  for (const cell of ['3 MiB', '0.0512 ms', '123,456', '$0.000123', '$12.35', '91.3 %', '99.99 %'])
    expect(html).toContain(`>${cell}<`);
  expect(html).not.toContain('<img');
  expect(html).toContain('Permission is hereby granted');
});

test('what does not fit together is refused', async () => {
  const section = (chart: Chart) => ({ ...report, sections: [{ heading: '', charts: [chart] }] });
  await expect(reportHtml(section({ ...latency, series: [] }))).rejects.toThrow('must have 1 to 8 series');
  await expect(reportHtml(section({ ...latency, series: [{ label: 'a', values: [1] }] }))).rejects.toThrow('6 values');
  const table = { caption: 'x', columns: [{ label: '' }], rows: [['a', 'b']] };
  await expect(reportHtml({ ...report, sections: [{ heading: '', tables: [table] }] })).rejects.toThrow('1 cells');
});

describe.skipIf(!hasBrowser())('in a browser', () => {
  let browser: Browser;
  let folder: string;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockyard-report-'));
    await writeFile(join(folder, 'report.html'), await reportHtml(report));
    url = pathToFileURL(join(folder, 'report.html')).href;
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The page, what it asked for beside itself, and what it complained of. */
  async function opened(colorScheme: 'light' | 'dark', width: number) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
    const complaints: string[] = [];
    page.on('request', (request) => request.url() !== url && complaints.push(request.url()));
    // What is told of the test's own look at the canvas does not count.
    page.on('console', (message) => message.text().startsWith('Canvas2D') || complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
    await page.waitForSelector('.u-over');
    return { page, complaints };
  }

  const coloursIn = (page: Page) =>
    page.evaluate(() => {
      const canvas = document.querySelector('canvas');
      const bytes = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      const colours = new Set<string>();
      for (let at = 0; at < bytes.length; at += 4) if (bytes[at + 3] === 255) colours.add(`${bytes.slice(at, at + 3)}`);
      return [...colours];
    });

  test.each([
    ['light', 1280, '9,105,218'],
    ['dark', 390, '88,166,255'],
  ] as const)(
    '%s, %i pixels wide: charts are drawn, nothing is asked for, nothing overflows',
    async (scheme, width, line) => {
      const { page, complaints } = await opened(scheme, width);
      expect(await page.locator('canvas').count()).toBe(2);
      expect(await coloursIn(page)).toContain(line);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      expect(await page.title()).toBe(report.title);
      if (process.env.BLOCKYARD_SCREENSHOTS) {
        await page.screenshot({
          path: join(process.env.BLOCKYARD_SCREENSHOTS, `report-${scheme}.png`),
          fullPage: true,
        });
      }
      // A change of theme draws anew.
      await page.emulateMedia({ colorScheme: scheme === 'light' ? 'dark' : 'light' });
      await expect.poll(() => coloursIn(page)).not.toContain(line);
      await page.locator('summary').first().click();
      expect(await page.locator('details table').first().locator('tbody tr').count()).toBe(seconds.length);
      expect(complaints).toEqual([]);
      await page.close();
    },
  );

  test('no other script runs', async () => {
    const { page } = await opened('light', 1280);
    const refused = page.waitForEvent('console');
    await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "run"';
      document.body.append(script);
    });
    expect((await refused).text()).toContain('Content Security Policy');
    expect(await page.title()).toBe(report.title);
    await page.close();
  });
});
