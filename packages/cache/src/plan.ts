import { Latencies } from './base/latencies.js';
import { policyOf } from './eviction/check-policy.js';
import type { EvictionPolicy, PolicyOptions } from './eviction/policy.js';
import { Clock2QPlusPolicy } from './eviction/policy-clock2qplus.js';
import { LruPolicy } from './eviction/policy-lru.js';
import { WTinyLfuPolicy } from './eviction/policy-wtinylfu.js';
import { Lines } from './lines/lines.js';
import { type CheckedOptions, invalid } from './options.js';
import { Ages } from './unwritten/ages.js';
import { DirtyLines } from './unwritten/dirty-lines.js';

const LINE_SIZE = 65_536;
/** Below this many lines the default line size is made smaller. */
const LINES_WANTED = 16;
/** A line being read, one being written, its newer copy, and one more to go on with. */
const LINES_MIN = 4;
/** Share of the lines kept free for dirty ones that the policy wants to leave. */
const PARKED_SHARE = 0.05;
/** For what has no size of its own: the objects of requests in flight. */
const OBJECT_BYTES = 16_384;
/** Zero ranges take at most this share of the budget, and are at least and at most so many. */
const ZERO_SHARE = 0.01;
const ZERO_RANGES_MIN = 64;
const ZERO_RANGES_MAX = 4096;
/** An interval in two sets of half empty leaves, and a first leaf of each. */
const ZERO_RANGE_BYTES = 40;
const ZERO_FIRST_BYTES = 9_216;

/** A line takes more than this in tables, so no plan has too few lines to begin with. */
const TABLE_BYTES_MIN = 64;

const POLICIES = { clock2qplus: Clock2QPlusPolicy, lru: LruPolicy, wtinylfu: WTinyLfuPolicy };

/** How the budget is spent. */
export interface MemoryPlan {
  readonly lineSize: number;
  /** Lines that there is payload memory for. */
  readonly slots: number;
  /** Of them, those that the policy fills; the rest are for parked lines. */
  readonly capacity: number;
  readonly maxParked: number;
  /** Zero ranges that may be pending. */
  readonly zeroRangesMax: number;
  /** Bytes set aside for what is neither payload nor a table of lines. */
  readonly fixedBytes: number;
}

export function createPolicy(options: CheckedOptions, plan: MemoryPlan): EvictionPolicy {
  const { capacity, maxParked } = plan;
  const { policy: choice, seed } = options;
  const size: PolicyOptions = { capacity, maxParked, ...(seed !== undefined && { seed }) };
  return typeof choice === 'function' ? policyOf(choice, size) : new POLICIES[choice](size);
}

/**
 * The most lines whose payload and tables stay within the budget. The tables' size has steps, so it is found by trying. Throws
 * `INVALID_ARGUMENT` if the budget holds too few.
 */
export function planMemory(options: CheckedOptions, sectorSize: number): MemoryPlan {
  const { maxSizeBytes } = options;
  let lineSize = options.lineSize ?? Math.max(LINE_SIZE, sectorSize);
  let plan = fittingPlan(options, lineSize, sectorSize);
  while (options.lineSize === undefined && lineSize > sectorSize && plan.slots < LINES_WANTED) {
    lineSize /= 2;
    plan = fittingPlan(options, lineSize, sectorSize);
  }
  if (plan.slots < LINES_MIN) {
    const least = bytesOf(planOf(LINES_MIN, lineSize, maxSizeBytes), options, sectorSize);
    throw invalid(`maxSizeBytes must be at least ${least} for lines of ${lineSize} bytes, not ${maxSizeBytes}`);
  }
  return plan;
}

function fittingPlan(options: CheckedOptions, lineSize: number, sectorSize: number): MemoryPlan {
  const { maxSizeBytes } = options;
  const fixed = planOf(0, lineSize, maxSizeBytes).fixedBytes;
  let slots = Math.max(0, Math.floor((maxSizeBytes - fixed) / (lineSize + TABLE_BYTES_MIN)));
  while (slots > 0) {
    const plan = planOf(slots, lineSize, maxSizeBytes);
    const bytes = bytesOf(plan, options, sectorSize);
    if (bytes <= maxSizeBytes) return plan;
    slots = Math.min(slots - 1, Math.floor((slots * (maxSizeBytes - fixed)) / (bytes - fixed)));
  }
  return planOf(0, lineSize, maxSizeBytes);
}

function planOf(slots: number, lineSize: number, maxSizeBytes: number): MemoryPlan {
  const maxParked = Math.max(1, Math.floor(slots * PARKED_SHARE));
  const zeroRanges = Math.floor((maxSizeBytes * ZERO_SHARE) / ZERO_RANGE_BYTES);
  const zeroRangesMax = Math.min(ZERO_RANGES_MAX, Math.max(ZERO_RANGES_MIN, zeroRanges));
  const fixedBytes =
    OBJECT_BYTES +
    Latencies.byteLength +
    Ages.byteLength +
    lineSize +
    ZERO_FIRST_BYTES +
    zeroRangesMax * ZERO_RANGE_BYTES;
  return { lineSize, slots, capacity: Math.max(1, slots - maxParked), maxParked, zeroRangesMax, fixedBytes };
}

/** What the plan takes at most. The policy's tables are measured on an empty policy. */
function bytesOf(plan: MemoryPlan, options: CheckedOptions, sectorSize: number): number {
  const { lineSize, slots, fixedBytes } = plan;
  const { entriesMax, byteLength } = createPolicy(options, plan);
  const tables =
    byteLength + Lines.bytesFor(entriesMax, slots, lineSize / sectorSize) + DirtyLines.bytesFor(entriesMax);
  return slots * lineSize + tables + fixedBytes;
}
