import { expect, test } from 'vitest';
import { Latencies } from './base/latencies.js';
import type { EvictionPolicy } from './eviction/policy.js';
import { WTinyLfuPolicy } from './eviction/policy-wtinylfu.js';
import { Lines } from './lines/lines.js';
import { type CacheOptions, checkOptions } from './options.js';
import { createPolicy, planMemory } from './plan.js';
import { Ages } from './unwritten/ages.js';
import { DirtyLines } from './unwritten/dirty-lines.js';

const MIB = 2 ** 20;
const OBJECT_BYTES = 16_384;

function plan(options: CacheOptions, sectorSize = 512) {
  return planMemory(checkOptions({ seed: 1, ...options }, sectorSize), sectorSize);
}

/** What a plan takes at most, reckoned here once more. */
function bytesOf(options: CacheOptions, sectorSize = 512): number {
  const { slots, capacity, maxParked, lineSize, zeroRangesMax } = plan(options, sectorSize);
  const policy = createPolicy(checkOptions({ seed: 1, ...options }, sectorSize), plan(options, sectorSize));
  expect([policy.capacity, capacity + maxParked]).toEqual([capacity, slots]);
  const tables =
    policy.byteLength +
    Lines.bytesFor(policy.entriesMax, slots, lineSize / sectorSize) +
    DirtyLines.bytesFor(policy.entriesMax);
  const fixed = OBJECT_BYTES + Latencies.byteLength + Ages.byteLength + lineSize + 9_216 + zeroRangesMax * 40;
  expect(plan(options, sectorSize).fixedBytes).toBe(fixed);
  return slots * lineSize + tables + fixed;
}

test.each([
  { maxSizeBytes: 200_000, lineSize: 4096 },
  { maxSizeBytes: MIB, lineSize: 512 },
  { maxSizeBytes: 3 * MIB, lineSize: 4096, policy: 'lru' as const },
  { maxSizeBytes: 100 * MIB },
  { maxSizeBytes: 100 * MIB, lineSize: 65_536, policy: 'lru' as const },
])('%o is used up but for a few lines, and not exceeded', (options) => {
  const bytes = bytesOf(options);
  const { lineSize, slots } = plan(options);
  expect(bytes).toBeLessThanOrEqual(options.maxSizeBytes);
  // The tables' size has steps; what they leave is less than one of them.
  expect(bytes).toBeGreaterThan(options.maxSizeBytes - 2 * lineSize - 0.03 * options.maxSizeBytes);
  expect(slots * lineSize).toBeGreaterThan(0.2 * options.maxSizeBytes);
});

test('one line in twenty is kept for parked ones, and at least one', () => {
  const { slots, capacity, maxParked } = plan({ maxSizeBytes: 100 * MIB });
  expect([maxParked, capacity]).toEqual([Math.floor(slots / 20), slots - maxParked]);
  expect(plan({ maxSizeBytes: 100_000, lineSize: 4096 }).maxParked).toBe(1);
});

test('zero ranges get a hundredth of the budget, between two bounds', () => {
  expect(plan({ maxSizeBytes: 100_000, lineSize: 4096 }).zeroRangesMax).toBe(64);
  expect(plan({ maxSizeBytes: MIB }).zeroRangesMax).toBe(Math.floor((MIB * 0.01) / 40));
  expect(plan({ maxSizeBytes: 100 * MIB }).zeroRangesMax).toBe(4096);
});

test('lines are of 64 KiB, or as large as a sector, or smaller where there would be fewer than sixteen', () => {
  expect(plan({ maxSizeBytes: 100 * MIB }).lineSize).toBe(65_536);
  expect(plan({ maxSizeBytes: 4 * MIB }, 65_536).lineSize).toBe(65_536);
  const small = plan({ maxSizeBytes: 400_000 });
  expect(small.lineSize).toBeLessThan(65_536);
  expect(small.slots).toBeGreaterThanOrEqual(16);
  expect(plan({ maxSizeBytes: 400_000, lineSize: 2 * small.lineSize }).slots).toBeLessThan(16);
  expect(plan({ maxSizeBytes: 520_000 }, 65_536).lineSize).toBe(65_536);
});

test('a line size that is asked for is kept, also where there are few lines', () => {
  expect(plan({ maxSizeBytes: 400_000, lineSize: 65_536 })).toMatchObject({ lineSize: 65_536, slots: 4 });
});

test('a budget for fewer than four lines is refused, and the message says what would do', () => {
  let least = 0;
  try {
    plan({ maxSizeBytes: 50_000, lineSize: 4096 });
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    least = Number(/must be at least (\d+) for lines of 4096 bytes, not 50000/.exec(String(error))?.[1]);
  }
  expect(plan({ maxSizeBytes: least, lineSize: 4096 }).slots).toBe(4);
  expect(() => plan({ maxSizeBytes: least - 1, lineSize: 4096 })).toThrow('maxSizeBytes');
  expect(() => plan({ maxSizeBytes: 0 })).toThrow('for lines of 512 bytes');
});

test('the policy is the one that was chosen, and its seed too', () => {
  const named = (policy: 'clock2qplus' | 'lru' | 'wtinylfu') =>
    createPolicy(checkOptions({ policy, seed: 1 }, 512), plan({ maxSizeBytes: MIB })).constructor.name;
  expect([named('clock2qplus'), named('lru'), named('wtinylfu')]).toEqual([
    'Clock2QPlusPolicy',
    'LruPolicy',
    'WTinyLfuPolicy',
  ]);
});

test('the seed decides which lines leave', () => {
  const gone = (policy: EvictionPolicy) => {
    const victims: number[] = [];
    for (let i = 0; i < 20_000; i++) {
      const line = (i * i * i + 7 * i) % 1009;
      const entry = policy.find(line);
      if (entry >= 0) policy.touch(entry);
      else policy.insert(line);
      while (policy.resident > policy.capacity) {
        const victim = policy.victim();
        victims.push(policy.keyOf(victim));
        policy.forget(victim, true);
      }
    }
    return victims;
  };
  const options = { maxSizeBytes: MIB, lineSize: 4096 };
  const { capacity, maxParked } = plan(options);
  const made = (seed: number) => createPolicy(checkOptions({ ...options, seed }, 512), plan(options));
  expect(gone(made(5))).toEqual(gone(new WTinyLfuPolicy({ capacity, maxParked, seed: 5 })));
  expect(gone(made(5))).not.toEqual(gone(made(6)));
});
