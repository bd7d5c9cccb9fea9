import * as fc from 'fast-check';

/**
 * One operation of a random workload. Positions and sizes are wishes: a run takes `at`, any natural number, modulo the size of
 * the device, and truncates `sectors` at its end. So every step makes sense whatever came before it, also in a workload that
 * fast-check has shrunk.
 */
export type Step = (RangeStep | FlushStep | ResizeStep) & {
  /** Macrotasks between the call of the step before and this one. 0: both are called at once. */
  readonly macrotasks: number;
};

/** A flush of the whole device. */
export interface FlushStep {
  readonly kind: 'flush';
}

/** A change of the size. */
export interface ResizeStep {
  readonly kind: 'resize';
  /** The new size. */
  readonly sectors: number;
}

/** An operation on a range. */
export interface RangeStep {
  readonly kind: 'read' | 'write' | 'discard' | 'writeZeroes' | 'extents' | 'flushRange';
  readonly at: number;
  readonly sectors: number;
  /** Sectors per buffer, for reads and writes. */
  readonly bufferSectors: number;
}

/** Steps that are called in order, but without waiting for each other, and are in flight together. */
export type Batch = readonly Step[];

/** Between batches: `reopen` disconnects and connects again, `crash` gives the device up and connects again. */
export type Break = 'reopen' | 'crash';

/** A batch in the midst of which the device crashes, and is connected again. */
export interface CrashedBatch {
  readonly crashed: Batch;
  /** Macrotasks between the call of the last step and the crash. */
  readonly macrotasks: number;
}

/** One after the other. */
export type Workload = readonly (Batch | Break | CrashedBatch)[];

/** The shape of the device, and bounds of random workloads on it. */
export interface WorkloadOptions {
  /** Of the device, at the beginning. */
  readonly sectorSize: number;
  readonly sizeSectors: number;
  /** Default: 24. */
  readonly maxBatches?: number;
  /** Operations in flight at once, at most. Default: 1. */
  readonly maxInFlight?: number;
  /** Whether sizes change. Default: true. */
  readonly resize?: boolean;
  /** Whether the device is disconnected and connected again between batches. Default: false. */
  readonly reopen?: boolean;
  /** Whether it is given up, and connected again, between batches. Default: false. */
  readonly crash?: boolean;
  /** Whether it crashes in the midst of batches, too. Default: false. */
  readonly crashAmid?: boolean;
}

/** Where structures of devices usually meet: cache lines, chunks of memory, objects. */
const SEAM_BYTES = 65_536;
const BATCHES_MAX = 24;
const MAX_MACROTASKS = 3;

/**
 * Random workloads, for fast-check's properties. `fc.sample(workloads(options), { seed, numRuns: 1 })` is one, known by its
 * seed.
 */
export function workloads(options: WorkloadOptions): fc.Arbitrary<Workload> {
  const maxInFlight = options.maxInFlight ?? 1;
  const batch = fc.array(steps(options), { minLength: 1, maxLength: maxInFlight });
  const breaks: fc.WeightedArbitrary<Break | CrashedBatch>[] = [];
  if (options.reopen === true) breaks.push({ arbitrary: fc.constant('reopen'), weight: 1 });
  if (options.crash === true) breaks.push({ arbitrary: fc.constant('crash'), weight: 2 });
  if (options.crashAmid === true) {
    const crashed = fc.record({ crashed: batch, macrotasks: fc.nat(MAX_MACROTASKS) });
    breaks.push({ arbitrary: crashed, weight: 3 });
  }
  const next = fc.oneof<fc.WeightedArbitrary<Batch | Break | CrashedBatch>[]>(
    { arbitrary: batch, weight: 12 },
    ...breaks,
  );
  // As long as allowed: a random workload that does next to nothing finds next to nothing.
  return fc.array(next, { maxLength: options.maxBatches ?? BATCHES_MAX, size: 'max' });
}

function steps({ sectorSize, sizeSectors, resize = true }: WorkloadOptions): fc.Arbitrary<Step> {
  const range = ranges(sectorSize, sizeSectors);
  const kinds: fc.WeightedArbitrary<RangeStep | FlushStep | ResizeStep>[] = [
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
  const waits = fc.oneof(fc.constant(0), fc.nat(MAX_MACROTASKS));
  return fc.tuple(fc.oneof(...kinds), waits).map(([step, macrotasks]) => ({ ...step, macrotasks }));
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
  const bufferSectors = fc.integer({ min: 1, max: 8 });
  return (kind) => fc.record({ kind: fc.constant(kind), at, sectors, bufferSectors });
}
