import {
  type BlockDevice,
  BlockError,
  type Clock,
  checkClock,
  checkDevice,
  checkIntegerBetween,
  checkNumberBetween,
  checkOptionNames,
  type KnownOptions,
  OPERATIONS,
  type Operation,
  systemClock,
} from '@blockyard/block';
import { Semaphore } from '@blockyard/block/async';
import { checkOwnsBase } from './check.js';
import { createLayer, type Intercept, isForced, type LayerOptions, rangeOf } from './layer.js';
import { SharedTimers } from './shared-timers.js';

/** Options of {@link withDelay}. */
export interface DelayOptions extends LayerOptions {
  /**
   * Milliseconds before an operation reaches the base: of every operation but `disconnect`, of those named, or what a function
   * says that is asked at each operation but a `disconnect`. True to about a millisecond. Default: 0.
   */
  readonly latencyMs?: number | Readonly<Partial<Record<Operation, number>>> | ((operation: Operation) => number);
  /** Bytes per second that all reads and writes together move at most. Default: unlimited. */
  readonly bytesPerSecond?: number;
  /** Operations under way at once. The others wait, first come, first served. Default: unlimited. */
  readonly maxConcurrency?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

const KNOWN: KnownOptions<DelayOptions> = {
  ownsBase: true,
  latencyMs: true,
  bytesPerSecond: true,
  maxConcurrency: true,
  clock: true,
};

/** A day: more is a mistake in the unit. */
const LATENCY_MS_MAX = 24 * 60 * 60 * 1000;

/** Operations whose ranges are data that is moved. */
const MOVES_DATA: Readonly<Record<Operation, boolean>> = {
  read: true,
  write: true,
  flush: false,
  resize: false,
  discard: false,
  writeZeroes: false,
  extents: false,
  disconnect: false,
};

/**
 * The base as if it were far away: later, slower, with fewer operations at once. A forced disconnect is not delayed, and ends
 * what is.
 *
 * Throws `INVALID_ARGUMENT` if an option is wrong or unknown.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { withDelay } from '@blockyard/layers';
 *
 * const slow = withDelay(await connectMemory({ sizeSectors: 16 }), { latencyMs: { read: 4, flush: 20 } });
 * const before = performance.now();
 * await slow.flush();
 * console.log(performance.now() - before >= 19); // true
 * ```
 */
export function withDelay(base: BlockDevice, options: DelayOptions = {}): BlockDevice {
  checkDevice(base, 'base');
  checkOptionNames(options, KNOWN);
  const { clock = systemClock, maxConcurrency = Number.POSITIVE_INFINITY, latencyMs = 0 } = options;
  checkClock(clock);
  if (options.maxConcurrency !== undefined) checkIntegerBetween(maxConcurrency, 'maxConcurrency', 1);
  const line = new Line(options.bytesPerSecond);
  const latencyOf = latenciesOf(latencyMs);
  const timers = new SharedTimers(clock);
  const semaphore = new Semaphore(maxConcurrency);
  const { sectorSize } = base.info;
  let hasEnded = false;
  /** Stops what was woken right before the end and runs only now. */
  const throwIfEnded = () => {
    if (hasEnded) throw disconnected();
  };

  const intercept: Intercept = async (operation, args, send) => {
    if (isForced(operation, args)) {
      hasEnded = true;
      timers.abandon(disconnected);
      semaphore.rejectWaiting(disconnected);
      return send(args);
    }
    // Never within the call: a forced disconnect right after it still stops the operation.
    await semaphore.acquire();
    try {
      throwIfEnded();
      const nowMs = clock.now();
      const sectors = MOVES_DATA[operation] ? (rangeOf(operation, args, sectorSize)?.count ?? 0) : 0;
      const dueMs = line.send(sectors * sectorSize, nowMs) + latencyOf(operation);
      if (dueMs > nowMs) await timers.until(dueMs);
      throwIfEnded();
      return await send(args);
    } finally {
      semaphore.release();
    }
  };
  return createLayer(base, { name: 'delay', ownsBase: checkOwnsBase(options), intercept, delays: true });
}

/** What moves one byte after the other, at a set speed. */
class Line {
  readonly #bytesPerMs: number;
  #freeAtMs = 0;

  constructor(bytesPerSecond: number | undefined) {
    if (bytesPerSecond !== undefined) checkIntegerBetween(bytesPerSecond, 'bytesPerSecond', 1);
    this.#bytesPerMs = bytesPerSecond === undefined ? Number.POSITIVE_INFINITY : bytesPerSecond / 1000;
  }

  /** When the last of the bytes has arrived. */
  send(bytes: number, nowMs: number): number {
    if (bytes === 0) return nowMs;
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + bytes / this.#bytesPerMs;
    return this.#freeAtMs;
  }
}

function latenciesOf(latencyMs: NonNullable<DelayOptions['latencyMs']>): (operation: Operation) => number {
  if (typeof latencyMs === 'function') {
    return (operation) => (operation === 'disconnect' ? 0 : checked(latencyMs(operation), operation));
  }
  const named = typeof latencyMs === 'number' ? undefined : latencyMs;
  if (named !== undefined) checkOptionNames(named, MOVES_DATA as unknown as KnownOptions<typeof named>, 'latencyMs');
  const latencies = new Map(
    OPERATIONS.map((operation) => {
      const ms = named !== undefined ? (named[operation] ?? 0) : operation === 'disconnect' ? 0 : latencyMs;
      return [operation, checked(ms, operation)] as const;
    }),
  );
  return (operation) => latencies.get(operation) ?? 0;
}

function checked(ms: unknown, operation: Operation): number {
  checkNumberBetween(ms, `latencyMs of ${operation}`, 0, LATENCY_MS_MAX);
  return ms;
}

function disconnected(): BlockError {
  return new BlockError('DISCONNECTED', 'the device was disconnected by force');
}
