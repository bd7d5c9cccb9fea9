import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { connectCache } from '@blockyard/cache';
import { Random } from '@blockyard/conformance/simulator';

/**
 * Moves gigabytes through a cache and tells how much memory the process took: `node --expose-gc dist/memory/main.js`. Prints
 * JSON, in bytes. `failing` as argument: over a base of which three calls in ten fail.
 */

const BUDGET_BYTES = 64 * 2 ** 20;
const WORKLOAD_BYTES = 10 * 2 ** 30;
const SECTOR_BYTES = 4096;
const DEVICE_SECTORS = (64 * 2 ** 30) / SECTOR_BYTES;
const REQUEST_SECTORS_MAX = 128;
const CLIENTS = 16;
const FAILING = 0.3;
const FLUSH = 0.01;
const SETTLING_TURNS = 20;

interface Memory {
  readonly startBytes: number;
  readonly worstBytes: number;
  readonly endBytes: number;
  /** Of it, what JavaScript holds: heap and buffers. The rest is the process's and the allocator's. */
  readonly startHeldBytes: number;
  readonly endHeldBytes: number;
}

const fails = process.argv[2] === 'failing' ? FAILING : 0;
process.stdout.write(`${JSON.stringify({ budgetBytes: BUDGET_BYTES, ...(await measure(fails)) })}\n`);

async function measure(failing: number): Promise<Memory> {
  const random = new Random(1);
  // Once before the start: code, pools and buffers of the process itself are not the cache's.
  await moveBytes(random, failing, WORKLOAD_BYTES / 100, () => {});
  const start = await settledMemory();
  let worstBytes = start.rss;
  await moveBytes(random, failing, WORKLOAD_BYTES, () => {
    worstBytes = Math.max(worstBytes, process.memoryUsage.rss());
  });
  const end = await settledMemory();
  return {
    startBytes: start.rss,
    worstBytes,
    endBytes: end.rss,
    startHeldBytes: start.heapUsed + start.arrayBuffers,
    endHeldBytes: end.heapUsed + end.arrayBuffers,
  };
}

/** Memory once everything that can go has gone: the allocator gives pages back a little later. */
async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < SETTLING_TURNS; i++) {
    globalThis.gc?.();
    await new Promise<void>((resolve) => setTimeout(resolve, 10));
  }
  return process.memoryUsage();
}

async function moveBytes(random: Random, failing: number, bytes: number, look: () => void): Promise<void> {
  const cache = await connectCache(emptyBase(random, failing), {
    maxSizeBytes: BUDGET_BYTES,
    minRetryDelayMs: 1,
    maxRetryDelayMs: 2,
  });
  let left = bytes;
  const client = async () => {
    const buffer = new Uint8Array(REQUEST_SECTORS_MAX * SECTOR_BYTES);
    while (left > 0) {
      const sectors = random.between(1, REQUEST_SECTORS_MAX);
      left -= sectors * SECTOR_BYTES;
      const start = random.below(DEVICE_SECTORS - sectors);
      const part = [buffer.subarray(0, sectors * SECTOR_BYTES)];
      await (random.chance(0.5) ? cache.write(start, part) : cache.read(start, part)).catch(ignore);
      if (random.chance(FLUSH)) await cache.flush().catch(ignore);
      look();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  await cache.disconnect({ force: failing > 0 });
}

/** Takes everything, keeps nothing. */
function emptyBase(random: Random, failing: number): BlockDevice {
  const answer = async () => {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (random.chance(failing)) throw new BlockError('UNAVAILABLE', 'made up');
  };
  return createDevice({
    name: 'empty',
    sectorSize: SECTOR_BYTES,
    sizeSectors: DEVICE_SECTORS,
    preferredIoBytes: 2 ** 20,
    atomicSectors: true,
    read: answer,
    write: answer,
    flush: answer,
    resize() {},
    disconnect() {},
  });
}

/** Failures are what this base is for. */
function ignore(): void {}
