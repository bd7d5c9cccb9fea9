/**
 * Cases of the cache beside its own tests: the conformance kit at starved set-ups, and simulated worlds, all from fixed seeds.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const KIT_BYTES = { 512: 80_000, 4096: 110_000 };
const KIT_RUNS = 4;
/** What one of the kit's cases is called that takes minutes, and more than a test may take to be used for mutants. */
const TOO_LONG = 'transfers of more than 2 GiB';
const WORLDS = 40;
const STEPS_MAX = 400;
const WORLD_BYTES = { min: 44_000, extraMax: 60_000, step: 4_000 };

/** What else is declared for the cache, given the address of its build. */
export const caseFilesOfCache = [declareKit, declareWorlds];

/** What one of the kit's entry points exports, as the build finds it. */
async function kitOf(build, entry = '') {
  const path = createRequire(new URL('x.js', build)).resolve(`@blockyard/conformance${entry}`);
  return await import(pathToFileURL(path).href);
}

async function declareKit(build, runner) {
  const { connectCache } = await import(new URL('connect.js', build).href);
  const { conformance } = await kitOf(build);
  const { createMemory, createReferenceDevice } = await kitOf(build, '/testing');
  const quick = { ...runner, test: (name, ...rest) => name.includes(TOO_LONG) || runner.test(name, ...rest) };
  const set = (name, sectorSize, options) => {
    const wrap = (base) => connectCache(base, { seed: 1, maxSizeBytes: KIT_BYTES[sectorSize], ...options });
    const subject = {
      name,
      persistent: true,
      sectorSizes: [sectorSize],
      wrap,
      async create({ sizeSectors }) {
        const memory = createMemory({ sectorSize, sizeSectors });
        return {
          connect: async (how) => wrap(createReferenceDevice(memory, how)),
          dispose: async () => {},
        };
      },
    };
    conformance(subject, quick, { seed: 1, runs: KIT_RUNS });
  };
  set('starved cache', 4096, {});
  set('starved LRU write-through cache', 512, { policy: 'lru', mode: 'writethrough' });
}

async function declareWorlds(build, { test }) {
  const { connectCache } = await import(new URL('connect.js', build).href);
  const { overSimulatedBase, simulate } = await kitOf(build, '/simulator');
  const subject = overSimulatedBase('cache', open, check);
  const budgets = new WeakMap();

  async function open(base, { random }, { clock }) {
    const options = {
      lineSize: random.pick([512, 1024, 2048, 4096, 8192]),
      mode: random.chance(0.9) ? 'writeback' : 'writethrough',
      policy: random.chance(0.7) ? 'wtinylfu' : 'lru',
      readAhead: random.chance(0.7),
      maxDirtyAgeMs: random.pick([1, 100, 30_000, Number.POSITIVE_INFINITY]),
      maxWriteConcurrency: random.pick([1, 2, 64]),
      minRetryDelayMs: random.pick([1, 100]),
      maxRetryDelayMs: random.pick([100, 10_000]),
      seed: random.below(2 ** 31),
      clock,
    };
    const least = WORLD_BYTES.min + random.below(WORLD_BYTES.extraMax);
    for (let maxSizeBytes = least; ; maxSizeBytes += WORLD_BYTES.step) {
      try {
        const cache = await connectCache(base, { ...options, maxSizeBytes });
        budgets.set(cache, maxSizeBytes);
        return cache;
      } catch (error) {
        // Too few lines: how many bytes they need is for the cache to know.
        if (maxSizeBytes > 4 * WORLD_BYTES.extraMax) throw error;
      }
    }
  }

  function check(cache) {
    const { heldBytes } = cache.snapshot();
    if (!(heldBytes <= budgets.get(cache)))
      throw new Error(`the cache holds ${heldBytes} bytes of ${budgets.get(cache)}`);
  }

  for (let seed = 1; seed <= WORLDS; seed++) {
    test(`simulated world ${seed}`, async () => {
      const { violation } = await simulate(subject, { seed }, { maxSteps: STEPS_MAX });
      if (violation !== undefined) throw new Error(violation.message);
    });
  }
}
