import { type BrowserContext, launchProfile, type Page } from '@blockyard/browser-testing';
import { Account } from './account.js';
import { serveSite } from './serve.js';

declare const worker: { postMessage(message: unknown): void; terminate(): void };

/** Acknowledged flushes before a kill: from 1 on. */
const FLUSHES_MAX = 12;
/** A browser is killed as a whole in each round whose number is a multiple of this. */
const BROWSER_EVERY = 10;

/** What is ended in the midst of its writes. */
const KILLS = ['tab', 'worker', 'renderer'] as const;
type Kill = (typeof KILLS)[number] | 'browser';

export interface KillReport {
  /** What was lost, in words. */
  readonly wrong: readonly string[];
  readonly kills: Readonly<Record<string, number>>;
  readonly writes: number;
  readonly flushes: number;
}

/** What the worker of a page tells. */
interface Told {
  readonly found?: readonly number[];
  readonly flushed?: number;
  readonly failed?: string;
}

/** Lets tabs write to one volume, one after the other, and kills each. Half of them write through a cache. */
export async function killTabs(profile: string, rounds: number): Promise<KillReport> {
  const site = await serveSite({ '/page.js': 'testing/kill-page.ts', '/kill-worker.js': 'testing/kill-worker.ts' });
  const account = new Account();
  const kills: Record<string, number> = {};
  let flushes = 0;
  let context = await launchProfile(profile);
  try {
    for (let round = 0; ; round++) {
      const tab = await Tab.open(context, site.url);
      if (round === 0) await tab.ask('create');
      const wrong = account.check(await tab.found());
      if (round === rounds || wrong.length > 0) return { wrong, kills, writes: account.next - 1, flushes };
      const acknowledged = tab.flushed(1 + (round % FLUSHES_MAX), (writer) => account.flushed(writer));
      await tab.ask({ from: account.next, cached: Math.floor(round / 2) % 2 === 1 });
      flushes += await acknowledged;
      const kill = killOf(round);
      kills[kill] = (kills[kill] ?? 0) + 1;
      context = await carryOut(kill, tab.page, context, profile);
    }
  } finally {
    await context.close();
    await site.close();
  }
}

function killOf(round: number): Kill {
  return round % BROWSER_EVERY === BROWSER_EVERY - 1 ? 'browser' : (KILLS[round % KILLS.length] ?? 'tab');
}

/** Ends what is writing, without a word to it. Gives the browser that goes on. */
async function carryOut(kill: Kill, page: Page, context: BrowserContext, profile: string): Promise<BrowserContext> {
  switch (kill) {
    case 'tab':
      await page.close();
      return context;
    case 'worker':
      await page.evaluate(() => worker.terminate());
      await page.close();
      return context;
    case 'renderer':
      await killProcesses(context, page, 'renderer');
      await page.close();
      return context;
    case 'browser':
      await killProcesses(context, page, 'browser');
      await context.close();
      return launchProfile(profile);
  }
}

/** Kills processes of this browser with a signal that they cannot catch, and waits until it knows. */
async function killProcesses(context: BrowserContext, page: Page, type: 'browser' | 'renderer'): Promise<void> {
  const session = await context.browser()?.newBrowserCDPSession();
  if (session === undefined) throw new Error('the browser has no session for its processes');
  const processes = async () => (await session.send('SystemInfo.getProcessInfo')).processInfo;
  const ids = (await processes()).filter((each) => each.type === type).map(({ id }) => id);
  if (ids.length === 0) throw new Error(`the browser tells of no process of type ${type}`);
  const gone = type === 'browser' ? context.waitForEvent('close') : page.waitForEvent('crash');
  for (const id of ids) process.kill(id, 'SIGKILL');
  await gone;
  if (type === 'browser') return;
  // One of them was kept ready for the next page, which must not get it.
  while ((await processes()).some(({ id }) => ids.includes(id)));
  await session.detach();
}

/** A page whose worker writes. */
class Tab {
  readonly page: Page;
  readonly #listeners: ((told: Told) => void)[] = [];

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(context: BrowserContext, url: string): Promise<Tab> {
    const page = await context.newPage();
    const tab = new Tab(page);
    await page.exposeFunction('told', (told: Told) => tab.#hear(told));
    await page.goto(url);
    return tab;
  }

  async ask(message: unknown): Promise<void> {
    await this.page.evaluate((data) => worker.postMessage(data), message);
  }

  /** The writer of each sector. */
  async found(): Promise<readonly number[]> {
    const found = this.#hears(({ found: writers }) => writers);
    await this.ask('check');
    return found;
  }

  /** Resolves with the number of acknowledgements, once there are so many; tells of those that come later, too. */
  flushed(wanted: number, tell: (writer: number) => void): Promise<number> {
    let count = 0;
    return this.#hears(({ flushed }) => {
      if (flushed === undefined) return undefined;
      tell(flushed);
      count++;
      return count >= wanted ? count : undefined;
    });
  }

  #hear(told: Told): void {
    for (const listener of this.#listeners) listener(told);
  }

  /** What `look` first gives of what the worker tells. */
  #hears<T>(look: (told: Told) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#listeners.push((told) => {
        if (told.failed !== undefined) reject(new Error(told.failed));
        const seen = look(told);
        if (seen !== undefined) resolve(seen);
      });
    });
  }
}
