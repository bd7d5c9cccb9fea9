import { strictEqual } from 'node:assert';
import { type BlockDevice, isBlockError } from '@blockyard/block';
import { type CacheDevice, type CacheOptions, connectCache } from '@blockyard/cache';
import { type Action, type Life, overSimulatedBase, type World } from '@blockyard/conformance/simulator';

/** The cache over a base of the simulation's. Small, so that there is never enough of anything. */
export const cacheSubject = overSimulatedBase('cache', open, check, act);

const LINE_BYTES = [512, 1024, 2048, 4096, 8192] as const;
/** What the smallest cache takes beside its lines; how much more there is, is left to chance. */
const BYTES_MIN = 44_000;
const EXTRA_BYTES_MAX = 60_000;

/** Of actions, those that change the budget. The others prefetch. */
const BUDGET_CHANGES = 0.4;

/** What the cache is held to: its budget, or a larger one before it for as long as that may count. */
interface Budget {
  bytes: number;
  ceilingBytes: number;
  /** Changes under way. */
  changes: number;
  /** A change has failed: what has to leave does so later. */
  isLate: boolean;
  /** Loans that clients hold. */
  loans: () => number;
}

const budgets = new WeakMap<CacheDevice, Budget>();

async function open(base: BlockDevice, world: World, { clock }: Life): Promise<CacheDevice> {
  const options = drawOptions(world);
  for (let maxSizeBytes = options.maxSizeBytes; ; maxSizeBytes += options.lineSize) {
    try {
      const cache = await connectCache(base, { ...options, maxSizeBytes, clock });
      budgets.set(cache, {
        bytes: maxSizeBytes,
        ceilingBytes: maxSizeBytes,
        changes: 0,
        isLate: false,
        loans: () => 0,
      });
      return cache;
    } catch (error) {
      // Too few lines: how many bytes they need is for the cache to know.
      if (maxSizeBytes > options.maxSizeBytes + EXTRA_BYTES_MAX * 2) throw error;
    }
  }
}

function drawOptions({ random }: World) {
  const options = {
    lineSize: random.pick(LINE_BYTES),
    maxSizeBytes: BYTES_MIN + (random.chance(0.5) ? random.below(EXTRA_BYTES_MAX) : 0),
    mode: random.chance(0.9) ? 'writeback' : 'writethrough',
    policy: random.chance(0.7) ? 'wtinylfu' : 'lru',
    readAhead: random.chance(0.7),
    maxDirtyAgeMs: random.pick([1, 100, 30_000, Number.POSITIVE_INFINITY]),
    maxWriteConcurrency: random.pick([1, 2, 64]),
    minRetryDelayMs: random.pick([1, 100]),
    maxRetryDelayMs: random.pick([100, 10_000]),
    seed: random.below(2 ** 31),
  } satisfies CacheOptions;
  // Without a choice of its own, which would make every known seed another run.
  const isClock = options.policy === 'lru' && options.seed % 2 === 0;
  return isClock ? { ...options, policy: 'clock2qplus' as const } : options;
}

function check(cache: CacheDevice): void {
  const { heldBytes } = cache.snapshot();
  const budget = budgets.get(cache);
  if (budget === undefined) return;
  if (budget.changes === 0 && budget.loans() === 0 && !(budget.isLate && heldBytes > budget.bytes)) {
    budget.ceilingBytes = budget.bytes;
    budget.isLate = false;
  }
  const { ceilingBytes } = budget;
  strictEqual(heldBytes <= ceilingBytes, true, `the cache holds ${heldBytes} bytes, more than its ${ceilingBytes}`);
}

async function act(cache: CacheDevice, { which, much, at, sectors }: Action, loans: () => number): Promise<void> {
  if (which < BUDGET_CHANGES) await changeBudget(cache, Math.floor(BYTES_MIN + much * EXTRA_BYTES_MAX), loans);
  else await prefetch(cache, at, sectors);
}

/** A smaller budget counts when the change is over; what is lent, when it has been given back. */
async function changeBudget(cache: CacheDevice, bytes: number, loans: () => number): Promise<void> {
  const budget = budgets.get(cache);
  // One after the other: of two at once, the first may be over before it has come to anything.
  if (budget === undefined || budget.changes > 0) return;
  const before = budget.bytes;
  Object.assign(budget, { bytes, ceilingBytes: Math.max(budget.ceilingBytes, bytes), changes: 1, loans });
  try {
    await cache.setMaxSizeBytes(bytes);
  } catch (error) {
    // Room for too few lines changes nothing.
    if (isBlockError(error, 'INVALID_ARGUMENT')) budget.bytes = before;
    else {
      budget.isLate = true;
      throw error;
    }
  } finally {
    budget.changes = 0;
  }
}

/** Also past the end, and beside anything. */
async function prefetch(cache: CacheDevice, at: number, sectors: number): Promise<void> {
  try {
    await cache.prefetch(at, sectors);
  } catch (error) {
    if (!isBlockError(error, 'OUT_OF_BOUNDS')) throw error;
  }
}
