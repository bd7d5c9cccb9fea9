import { connectMemory } from '@blockyard/backend-memory';
import { launchBrowser } from '@blockyard/browser-testing';
import { connectCache } from '@blockyard/cache';
import { servePage } from '@blockyard/page';
import type { Figure } from '../figures.js';
import { medianOf } from '../rounds.js';

const SECTOR = 4096;
const DEVICE_BYTES = 8 * 2 ** 40;
const LINES = 1_000_000;
/** Lines that change each time. */
const CHANGES = 200;
const CHANGE_EVERY_MS = 50;

/** Milliseconds between frames while the map changes, and is zoomed and moved. */
export async function frameFigures(seconds: number): Promise<Figure[]> {
  const base = await connectMemory({ sectorSize: SECTOR, sizeSectors: DEVICE_BYTES / SECTOR });
  // A line a sector, whose memory is little as long as it is zero.
  const maxSizeBytes = 6 * 2 ** 30;
  const disk = await connectCache(base, { lineSize: SECTOR, maxSizeBytes, readAhead: false, seed: 1 });
  const spacing = Math.floor(DEVICE_BYTES / SECTOR / LINES);
  const sector = new Uint8Array(SECTOR);
  for (let line = 0; line < LINES; line++) await disk.read(line * spacing, [sector]);
  const page = await servePage({
    address: { host: '127.0.0.1', port: 0 },
    source: {
      look: () => ({
        identity: disk,
        info: disk.info,
        snapshots: { exports: { disk: { cache: disk.snapshot() } } },
        map: (start, count, maxCells) => disk.mapSteps(start, count, maxCells),
      }),
    },
  });
  const browser = await launchBrowser();
  let at = 0;
  const changing = setInterval(() => {
    for (let i = 0; i < CHANGES; i++) void disk.write((at++ % LINES) * spacing, [sector]);
  }, CHANGE_EVERY_MS);
  try {
    const tab = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await tab.goto(page.url);
    await tab.waitForSelector('#legend li');
    const times = await framesOf(tab, seconds);
    const sorted = [...times].sort((a, b) => a - b);
    return [
      { work: 'frames', name: 'lines in the cache', value: disk.snapshot().lines, unit: '', atLeast: LINES * 0.9 },
      { work: 'frames', name: 'between frames, median', value: medianOf(times), unit: 'ms', atMost: 17 },
      { work: 'frames', name: '99th percentile', value: sorted[Math.floor(sorted.length * 0.99)] ?? 0, unit: 'ms' },
      { work: 'frames', name: 'frames a second', value: times.length / seconds, unit: '/s', atLeast: 58 },
    ];
  } finally {
    clearInterval(changing);
    await browser.close();
    page.end();
    await disk.disconnect({ force: true });
  }
}

type Tab = Awaited<ReturnType<Awaited<ReturnType<typeof launchBrowser>>['newPage']>>;

/** Times between frames, while the map is zoomed in and out and moved. */
async function framesOf(tab: Tab, seconds: number): Promise<number[]> {
  const frames: Promise<number[]> = tab.evaluate(`new Promise((resolve) => {
    const times = [];
    let last = performance.now();
    const end = last + ${seconds * 1000};
    const frame = () => {
      const now = performance.now();
      times.push(now - last);
      last = now;
      if (now < end) requestAnimationFrame(frame);
      else resolve(times.slice(1));
    };
    requestAnimationFrame(frame);
  })`);
  const box = await tab.locator('canvas').first().boundingBox();
  if (box === null) throw new Error('the page has no map');
  await tab.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  const end = performance.now() + (seconds - 1) * 1000;
  for (let turn = 0; performance.now() < end; turn++) {
    await tab.mouse.wheel(0, turn % 20 < 10 ? -200 : 200);
    await tab.mouse.move(box.x + ((turn * 37) % box.width), box.y + ((turn * 23) % box.height));
    await tab.waitForTimeout(50);
  }
  return frames;
}
