import * as fc from 'fast-check';

/**
 * One operation of a random workload. Positions and sizes are wishes: `at` any natural number, which the run takes modulo the size
 * of the device, and `sectors` cut off at its end. So every step makes sense whatever came before it, also in a workload
 * that fast-check has made smaller.
 */
export type Step =
  | RangeStep
  | { readonly kind: 'flush' }
  /** To `sectors`. */
  | { readonly kind: 'resize'; readonly sectors: number }
  /** Disconnect and connect again. */
  | { readonly kind: 'reopen' }
  /** Give the device up and connect again. */
  | { readonly kind: 'crash' };

/** An operation on a range. */
export interface RangeStep {
  readonly kind: 'read' | 'write' | 'discard' | 'writeZeroes' | 'extents' | 'flushRange';
  readonly at: number;
  readonly sectors: number;
  /** Sectors per buffer, for reads and writes. */
  readonly cut: number;
}

/** Batches, one after the other; the steps of a batch are called in order, but without waiting, and are in flight together. */
export type Workload = readonly (readonly Step[])[];

export interface WorkloadOptions {
  /** Of the device, at the beginning. */
  readonly sectorSize: number;
  readonly sizeSectors: number;
  /** Default: 24. */
  readonly batchesMax?: number;
  /** Operations in flight at once, at most. Default: 1. */
  readonly inFlightMax?: number;
  /** Whether sizes change. Default: true. */
  readonly resize?: boolean;
  /** Whether the device is disconnected and connected again between batches. Default: false. */
  readonly reopen?: boolean;
  /** Whether it is given up, and connected again, between batches. Default: false. */
  readonly crash?: boolean;
}

/** Where structures of a device like to have their seams: cache lines, chunks of memory, objects. */
const SEAM_BYTES = 65_536;
const BATCHES_MAX = 24;

/** Random workloads, for fast-check's properties. `fc.sample(workloads(options), { seed, numRuns: 1 })` is one, known by its seed. */
export function workloads(options: WorkloadOptions): fc.Arbitrary<Workload> {
  const inFlightMax = options.inFlightMax ?? 1;
  const batch = fc.array(steps(options), { minLength: 1, maxLength: inFlightMax });
  const alone: fc.WeightedArbitrary<readonly Step[]>[] = [];
  if (options.reopen === true) alone.push({ arbitrary: fc.constant([{ kind: 'reopen' }]), weight: 1 });
  if (options.crash === true) alone.push({ arbitrary: fc.constant([{ kind: 'crash' }]), weight: 2 });
  const next = fc.oneof({ arbitrary: batch, weight: 12 }, ...alone);
  // As long as allowed: a random workload that does next to nothing finds next to nothing.
  return fc.array(next, { maxLength: options.batchesMax ?? BATCHES_MAX, size: 'max' });
}

function steps({ sectorSize, sizeSectors, resize = true }: WorkloadOptions): fc.Arbitrary<Step> {
  const range = ranges(sectorSize, sizeSectors);
  const kinds: fc.WeightedArbitrary<Step>[] = [
    { arbitrary: range('write'), weight: 10 },
    { arbitrary: range('read'), weight: 6 },
    { arbitrary: range('discard'), weight: 2 },
    { arbitrary: range('writeZeroes'), weight: 2 },
    { arbitrary: range('extents'), weight: 2 },
    { arbitrary: range('flushRange'), weight: 1 },
    { arbitrary: fc.constant({ kind: 'flush' }), weight: 2 },
  ];
  if (resize) {
    const sectors = fc.integer({ min: 1, max: Math.ceil(sizeSectors * 1.5) });
    kinds.push({ arbitrary: sectors.map((value) => ({ kind: 'resize', sectors: value })), weight: 1 });
  }
  return fc.oneof(...kinds);
}

/** Ranges that meet often: near the seams, near the start, and anywhere. */
function ranges(sectorSize: number, sizeSectors: number): (kind: RangeStep['kind']) => fc.Arbitrary<RangeStep> {
  const seamSectors = Math.max(4, SEAM_BYTES / sectorSize);
  const seams = Math.floor(sizeSectors / seamSectors);
  const nearSeam = fc
    .tuple(fc.nat(seams), fc.integer({ min: -4, max: 3 }))
    .map(([seam, offset]) => Math.max(0, seam * seamSectors + offset));
  const at = fc.oneof(fc.nat(8), nearSeam, fc.nat(sizeSectors));
  const sectors = fc.oneof(
    { arbitrary: fc.integer({ min: 1, max: 8 }), weight: 4 },
    { arbitrary: fc.integer({ min: 1, max: sizeSectors }), weight: 1 },
  );
  const cut = fc.integer({ min: 1, max: 8 });
  return (kind) => fc.record({ kind: fc.constant(kind), at, sectors, cut });
}
