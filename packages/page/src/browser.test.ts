import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, hasBrowser, launchBrowser, type Page } from '@blockyard/browser-testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PageServer, servePage } from './server/server.js';
import { makeControls, makeShown, SECTOR, type Shown } from './testing/shown.js';

const TOKEN = 'a-token-that-is-planted';
const LOOKS = [
  { width: 1280, height: 900, colorScheme: 'light' },
  { width: 1280, height: 900, colorScheme: 'dark' },
  { width: 390, height: 844, colorScheme: 'light' },
  { width: 390, height: 844, colorScheme: 'dark' },
] as const;

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

/** Resolves when an expression is true. Playwright's own way is `eval`, which the page's policy forbids. */
function until(page: Page, expression: string): Promise<unknown> {
  return page.evaluate(
    `new Promise((resolve) => { const look = () => (${expression}) ? resolve() : requestAnimationFrame(look); look(); })`,
  );
}

describe.skipIf(!hasBrowser())('In a browser', () => {
  let shown: Shown;
  let server: PageServer;
  let browser: Browser;
  let axe: string;
  const controls = makeControls();

  beforeAll(async () => {
    shown = await makeShown(65_536);
    const address = { host: '127.0.0.1', port: 0 };
    server = await servePage({ address, source: shown.source, controls, token: TOKEN });
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    server?.end();
    await shown?.device.disconnect();
  });

  /** Opens the page; `complaints` has what a console or another host was told. */
  async function open(look: (typeof LOOKS)[number] = LOOKS[0], path = `/#token=${TOKEN}`) {
    const { width, height, colorScheme } = look;
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== server.url) complaints.push(request.url());
    });
    await page.goto(`${server.url}${path}`);
    await until(page, 'document.querySelector("#connection").textContent === "Live"');
    await until(page, '!document.querySelector("#name").textContent.startsWith("Blockyard")');
    return { page, complaints };
  }

  /** The number of cells that the legend tells of a kind. */
  const waitForCells = (page: Page, kind: string, isThere: boolean) =>
    until(
      page,
      `(() => {
        const item = [...document.querySelectorAll('#legend li')].find((each) => each.textContent.startsWith('${kind}'));
        return item && (item.querySelector('.count').textContent !== '0') === ${isThere};
      })()`,
    );

  test('cells turn dirty when clients write, and clean when that is flushed', async () => {
    const { page, complaints } = await open();
    await waitForCells(page, 'dirty', false);
    await shown.device.write(30_000, [new Uint8Array(SECTOR * 100)]);
    await waitForCells(page, 'dirty', true);
    expect(await page.textContent('#safety')).toMatch(/^Not safe to stop: 400 KiB in \d+ requests? left/);
    await shown.device.flush();
    await waitForCells(page, 'dirty', false);
    await waitForCells(page, 'clean', true);
    await until(page, 'document.querySelector("#safety").textContent.startsWith("Safe to stop")');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test.each(LOOKS)('at $width pixels, $colorScheme, nothing serious stands in the way of anyone', async (look) => {
    const { page, complaints } = await open(look);
    await page.waitForSelector('#figures figure');
    await page.click('#table summary');
    const violations = (await page.evaluate(
      `${axe}; axe.run().then(({ violations }) => violations)`,
    )) as readonly Violation[];
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(look.width);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('the map can be moved in, zoomed and read with keys alone', async () => {
    const { page } = await open();
    await shown.device.write(0, [new Uint8Array(SECTOR)]);
    await waitForCells(page, 'dirty', true);
    await page.focus('#canvas');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowLeft');
    await until(page, 'document.querySelector("#readout").textContent.includes("4 KiB dirty")');
    for (let i = 0; i < 3; i++) await page.keyboard.press('+');
    await until(page, 'document.querySelector("#map-note").textContent.startsWith("A part of the device, 32 MiB")');
    await page.click('#table summary');
    await until(page, 'document.querySelector("#rows").textContent.includes("dirty")');
    await page.keyboard.press('Tab');
    await page.focus('#canvas');
    await page.keyboard.press('0');
    await until(page, 'document.querySelector("#map-note").textContent.startsWith("The whole device")');
    await page.close();
  });

  test('the slider shows what was', async () => {
    const { page } = await open();
    await shown.device.write(10, [new Uint8Array(SECTOR)]);
    await waitForCells(page, 'dirty', true);
    await shown.device.flush();
    await waitForCells(page, 'dirty', false);
    await until(page, 'Number(document.querySelector("#slider").min) < -1');
    await page.evaluate(
      `const slider = document.querySelector('#slider'); slider.value = "-1"; slider.dispatchEvent(new Event('input'))`,
    );
    expect(await page.textContent('#moment')).toMatch(/ago$/);
    await page.click('#now');
    expect(await page.textContent('#moment')).toBe('now');
    await page.close();
  });

  test('of several devices each has an address of its own, and what is on its tier has a colour where there is one', async () => {
    const other = await makeShown(4096, undefined, {
      *tier() {
        yield { start: 0, count: 1000 };
      },
    });
    const devices = () => [
      { name: 'first', source: shown.source },
      { name: 'second', source: other.source },
    ];
    const both = await servePage({ address: { host: '127.0.0.1', port: 0 }, devices });
    const page = await browser.newPage();
    await page.goto(both.url);
    await until(page, 'document.querySelector("#device").textContent.startsWith("256 MiB")');
    expect(await page.isVisible('#legend :text("on the tier")')).toBe(false);
    await page.selectOption('#devices', 'second');
    await page.waitForURL(`${both.url}/?device=second`);
    await until(page, 'document.querySelector("#device").textContent.startsWith("16 MiB")');
    await waitForCells(page, 'on the tier', true);
    expect(await page.isVisible('#legend :text("on the tier")')).toBe(true);
    expect(await page.inputValue('#devices')).toBe('second');
    await page.close();
    both.end();
    await other.device.disconnect();
  });

  test('a page whose server ends goes on by itself with the next one at its address, which has another device', async () => {
    const other = await makeShown(4096);
    const first = await servePage({ address: { host: '127.0.0.1', port: 0 }, source: shown.source });
    const page = await browser.newPage();
    await page.goto(first.url);
    await until(page, 'document.querySelector("#device").textContent.startsWith("256 MiB")');
    first.end();
    await until(page, 'document.querySelector("#connection").textContent.startsWith("No connection")');
    const { port } = new URL(first.url);
    const next = await servePage({ address: { host: '127.0.0.1', port: Number(port) }, source: other.source });
    await until(page, 'document.querySelector("#connection").textContent === "Live"');
    await until(page, 'document.querySelector("#device").textContent.startsWith("16 MiB")');
    await other.device.write(0, [new Uint8Array(SECTOR)]);
    await waitForCells(page, 'dirty', true);
    await page.close();
    next.end();
    await other.device.disconnect();
  });

  test('with the token, which leaves the address, controls do what they say; without it they only show', async () => {
    const { page } = await open();
    expect(page.url()).toBe(`${server.url}/`);
    await page.click('#control-flush button');
    await until(page, 'document.querySelector("#outcome").textContent === "Flush: done."');
    await page.check('#control-cut input');
    await page.selectOption('#control-work select', 'scan');
    await page.fill('#control-name input', 'two');
    await page.click('#control-name button');
    await until(page, 'document.querySelector("#story").textContent.includes("name was set to two.")');
    expect(controls.done.map(([id, value]) => [id, value])).toEqual([
      ['flush', undefined],
      ['cut', true],
      ['work', 'scan'],
      ['name', 'two'],
    ]);
    expect(await page.isDisabled('#control-roll button')).toBe(true);
    expect(await page.textContent('#control-roll')).toContain('Not now: there is no snapshot.');
    await page.close();
    const context = await browser.newContext();
    const other = await context.newPage();
    await other.goto(server.url);
    await other.waitForSelector('#control-flush');
    expect(await other.isDisabled('#control-flush button')).toBe(true);
    expect(await other.textContent('#panel-note')).toContain('Only to look at');
    await context.close();
  });
});
