import { type Browser, hasBrowser, launchBrowser, type Page } from '@blockyard/browser-testing';
import { type PageServer, servePage } from '@blockyard/page';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourceOf } from './laboratory/page-source.js';
import { type Tried, tryLaboratory } from './laboratory/testing/laboratory.js';

const TOKEN = 'a-token-for-this-test-alone';
const WIDE = { viewport: { width: 1280, height: 900 }, colorScheme: 'light' } as const;
const NARROW = { viewport: { width: 390, height: 844 }, colorScheme: 'dark' } as const;

describe.skipIf(!hasBrowser())('The live page of the laboratory', () => {
  let lab: Tried;
  let server: PageServer;
  let browser: Browser;

  beforeAll(async () => {
    const setup = { backend: 's3', layout: 'log', hasCache: true, cacheBytes: 4 * 2 ** 20 } as const;
    lab = await tryLaboratory({ setup });
    const address = { host: '127.0.0.1', port: 0 };
    server = await servePage({ address, source: sourceOf(lab.laboratory), controls: lab.controls, token: TOKEN });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    server?.end();
    await lab?.[Symbol.asyncDispose]();
  });

  async function look(how: typeof WIDE | typeof NARROW) {
    const page = await browser.newPage(how);
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== server.url) complaints.push(request.url());
    });
    await page.goto(`${server.url}/#token=${TOKEN}`);
    return { page, complaints };
  }

  /** Waits until the legend counts some cells of a kind, or none. */
  const cells = (page: Page, kind: string, areThere: boolean) =>
    page.locator('#legend li', { hasText: new RegExp(`^\\s*${kind}\\s*${areThere ? '[1-9]' : '0$'}`) }).waitFor();
  const told = (page: Page, text: string) => page.getByRole('log').getByText(text).first().waitFor();
  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

  test('shows cells turn dirty and clean, takes the store away and back, and rolls back, to two viewers at once', async () => {
    const { page, complaints } = await look(WIDE);
    const other = await look(NARROW);

    await page.getByRole('combobox', { name: 'Workload' }).selectOption('burst');
    await told(page, 'The workload is now: Bursts of writes, with flushes.');
    await cells(page, 'dirty', true);
    await cells(other.page, 'dirty', true);
    await page.getByRole('combobox', { name: 'Workload' }).selectOption('idle');
    await press(page, 'Flush');
    await told(page, 'became durable');
    await cells(page, 'dirty', false);
    await cells(page, 'clean', true);
    await page.getByText('Safe to stop').first().waitFor();

    const cut = page.getByRole('switch', { name: 'Cut the store off' });
    await page.getByRole('combobox', { name: 'Workload' }).selectOption('zipf');
    await cut.check();
    await told(page, 'The store is cut off.');
    await page.getByText('away', { exact: false }).first().waitFor();
    await other.page.locator('#control-cut input:checked').waitFor();
    await page.getByRole('button', { name: 'Kill and restart' }).and(page.locator(':disabled')).waitFor();
    await cut.uncheck();
    await told(page, 'The store is back');

    for (const [name, outcome] of [
      ['Take a snapshot', 'snapshot-1, was taken'],
      ['Break something', 'A faulty program has written over'],
      ['Roll back', 'every byte is what it was at the snapshot'],
    ] as const) {
      await press(page, name);
      await told(page, outcome);
      await told(other.page, outcome);
    }
    expect(lab.laboratory.wrongReads).toBe(0);

    for (const { page: each } of [{ page }, other]) {
      const beyond = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await each.evaluate(beyond)).toBeLessThanOrEqual(0);
    }
    const colour = 'getComputedStyle(document.body).color';
    expect(await page.evaluate(colour)).not.toBe(await other.page.evaluate(colour));
    expect([...complaints, ...other.complaints]).toEqual([]);
  }, 180_000);
});
