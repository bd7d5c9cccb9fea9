import { strictEqual } from 'node:assert';
import type { BlockDevice } from '@blockyard/block';
import { type CacheDevice, type CacheOptions, connectCache } from '@blockyard/cache';
import { type Life, overSimulatedBase, type World } from '@blockyard/conformance';

/** The cache over a base of the simulation's. Small, so that there is never enough of anything. */
export const cacheSubject = overSimulatedBase('cache', open, check);

const LINE_BYTES = [512, 1024, 2048, 4096, 8192] as const;
/** What the smallest cache takes beside its lines; how much more there is, is left to chance. */
const BYTES_MIN = 44_000;
const EXTRA_BYTES_MAX = 60_000;

/** Budgets, to hold the cache to. */
const budgets = new WeakMap<CacheDevice, number>();

async function open(base: BlockDevice, world: World, { clock }: Life): Promise<CacheDevice> {
  const options = drawOptions(world);
  for (let maxSizeBytes = options.maxSizeBytes; ; maxSizeBytes += options.lineSize) {
    try {
      const cache = await connectCache(base, { ...options, maxSizeBytes, clock });
      budgets.set(cache, maxSizeBytes);
      return cache;
    } catch (error) {
      // Too few lines: how many bytes they need is for the cache to know.
      if (maxSizeBytes > options.maxSizeBytes + EXTRA_BYTES_MAX * 2) throw error;
    }
  }
}

function drawOptions({ random }: World) {
  return {
    lineSize: random.pick(LINE_BYTES),
    maxSizeBytes: BYTES_MIN + (random.chance(0.5) ? random.below(EXTRA_BYTES_MAX) : 0),
    mode: random.chance(0.9) ? 'writeback' : 'writethrough',
    policy: random.chance(0.7) ? 'wtinylfu' : 'lru',
    readAhead: random.chance(0.7),
    dirtyAgeMaxMs: random.pick([1, 100, 30_000, Number.POSITIVE_INFINITY]),
    writeConcurrencyMax: random.pick([1, 2, 64]),
    retryDelayMinMs: random.pick([1, 100]),
    retryDelayMaxMs: random.pick([100, 10_000]),
    seed: random.below(2 ** 31),
  } satisfies CacheOptions;
}

function check(cache: CacheDevice): void {
  const { heldBytes } = cache.snapshot();
  const budget = budgets.get(cache) ?? 0;
  strictEqual(heldBytes <= budget, true, `the cache holds ${heldBytes} bytes, more than its ${budget}`);
}
