/** A worker that tells what is on a volume, and then writes to it until it is killed. */
import { type BlockDevice, isBlockError } from '@blockyard/block';
import { connectCache } from '@blockyard/cache';
import { connectOpfs, createOpfs } from '../index.js';
import { contentsOf, KILL_SHAPE, runOf, writersIn } from './kill-load.js';

const NAME = 'killed';
const WRITES_PER_FLUSH_MAX = 6;
/** The whole volume and more: without a flush nothing would be written back. */
const CACHE_BYTES = 8 << 20;
/** How long the lock of what was killed may last. */
const LOCK_MS_MAX = 20_000;

/** What the worker is asked: to make the volume, to tell what is on it, to write from this number on until it is killed. */
type Ask = 'create' | 'check' | { readonly from: number; readonly cached: boolean };

const scope = globalThis as unknown as {
  onmessage: (event: { readonly data: Ask | 'told' }) => void;
  postMessage(message: unknown): void;
};

let device: BlockDevice;

/** Called when what was told last has come to the test. */
let told: () => void = () => {};
let last = Promise.resolve();
scope.onmessage = ({ data }) => {
  if (data === 'told') {
    told();
    return;
  }
  last = last
    .then(() => carryOut(data))
    .catch((error) => scope.postMessage({ failed: String(error instanceof Error ? error.stack : error) }));
};

async function carryOut(ask: Ask): Promise<void> {
  if (ask === 'create') await createOpfs({ name: NAME, ...KILL_SHAPE });
  else if (ask === 'check') scope.postMessage({ found: await check() });
  else await write(ask.from, ask.cached);
}

async function check(): Promise<number[]> {
  device = await unlocked();
  const bytes = new Uint8Array(KILL_SHAPE.sizeSectors * KILL_SHAPE.sectorSize);
  await device.read(0, [bytes]);
  return writersIn(bytes);
}

async function write(from: number, cached: boolean): Promise<void> {
  if (cached) device = await connectCache(device, { maxSizeBytes: CACHE_BYTES });
  let acknowledged = Promise.resolve();
  for (let writer = from; ; ) {
    const end = writer + 1 + (writer % WRITES_PER_FLUSH_MAX);
    // Accepted one after the other, so that a sector holds the last one of them.
    for (; writer < end; writer++) {
      const run = runOf(writer);
      await device.write(run.start, [contentsOf(writer, run)]);
    }
    await device.flush();
    // One flush at most is not acknowledged: a kill comes while few writes are not yet promised.
    await acknowledged;
    acknowledged = new Promise((resolve) => {
      told = resolve;
    });
    scope.postMessage({ flushed: writer - 1 });
  }
}

async function unlocked(): Promise<BlockDevice> {
  for (const endMs = performance.now() + LOCK_MS_MAX; ; ) {
    try {
      return await connectOpfs({ name: NAME });
    } catch (error) {
      if (!isBlockError(error, 'LOCKED') || performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
