// src/subjects/cache.ts

import { connectCache } from '@blockyard/cache';
import { overSimulatedBase } from '@blockyard/conformance';
import { strictEqual } from 'assert';

var cacheSubject = overSimulatedBase('cache', open, check);
var LINE_BYTES = [512, 1024, 2048, 4096, 8192];
var BYTES_MIN = 44e3;
var EXTRA_BYTES_MAX = 6e4;
var budgets = /* @__PURE__ */ new WeakMap();
async function open(base, world, { clock }) {
  const options = drawOptions(world);
  for (let maxSizeBytes = options.maxSizeBytes; ; maxSizeBytes += options.lineSize) {
    try {
      const cache = await connectCache(base, { ...options, maxSizeBytes, clock });
      budgets.set(cache, maxSizeBytes);
      return cache;
    } catch (error) {
      if (maxSizeBytes > options.maxSizeBytes + EXTRA_BYTES_MAX * 2) throw error;
    }
  }
}
function drawOptions({ random }) {
  return {
    lineSize: random.pick(LINE_BYTES),
    maxSizeBytes: BYTES_MIN + (random.chance(0.5) ? random.below(EXTRA_BYTES_MAX) : 0),
    mode: random.chance(0.9) ? 'writeback' : 'writethrough',
    policy: random.chance(0.7) ? 'wtinylfu' : 'lru',
    readAhead: random.chance(0.7),
    dirtyAgeMaxMs: random.pick([1, 100, 3e4, Number.POSITIVE_INFINITY]),
    writeConcurrencyMax: random.pick([1, 2, 64]),
    retryDelayMinMs: random.pick([1, 100]),
    retryDelayMaxMs: random.pick([100, 1e4]),
    seed: random.below(2 ** 31),
  };
}
function check(cache) {
  const { heldBytes } = cache.snapshot();
  const budget = budgets.get(cache) ?? 0;
  strictEqual(heldBytes <= budget, true, `the cache holds ${heldBytes} bytes, more than its ${budget}`);
}

export { cacheSubject };
