import {
  type BlockDevice,
  type BlockErrorCode,
  type Clock,
  checkClock,
  checkDevice,
  checkFunction,
  checkOptionNames,
  isBlockError,
  type KnownOptions,
  type Operation,
  systemClock,
} from '@blockyard/block';
import { checkOwnsBase } from './check.js';
import { createLayer, type Intercept, type LayerOptions, rangeOf } from './layer.js';

/** One operation that has ended. */
export interface TraceRecord {
  /** Counts the operations in the order in which they began, from 0. */
  readonly sequence: number;
  readonly operation: Operation;
  /** First sector and number of sectors, where the operation is about sectors. */
  readonly start: number | undefined;
  readonly count: number | undefined;
  /** The clock's time at the beginning. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Why it failed; undefined if it did not. */
  readonly error: BlockErrorCode | undefined;
}

/**
 * Gets every record when its operation ends. What it throws does not touch the operation; it surfaces as an unhandled rejection.
 */
export type TraceSink = (record: TraceRecord) => void;

export interface TraceOptions extends LayerOptions {
  /** Default: the system's. */
  readonly clock?: Clock;
}

const KNOWN: KnownOptions<TraceOptions> = { ownsBase: true, clock: true };

/**
 * The base, telling `sink` about every operation, those of a `disconnect` and of emulation included.
 *
 * Throws `INVALID_ARGUMENT` if an argument is wrong or an option unknown.
 */
export function withTrace(base: BlockDevice, sink: TraceSink, options: TraceOptions = {}): BlockDevice {
  checkDevice(base, 'base');
  checkFunction(sink, 'sink');
  checkOptionNames(options, KNOWN);
  const { clock = systemClock } = options;
  checkClock(clock);
  const { sectorSize } = base.info;
  let started = 0;

  const intercept: Intercept = async (operation, args, send) => {
    const sequence = started++;
    const startMs = clock.now();
    const end = (error: BlockErrorCode | undefined) => {
      const durationMs = clock.now() - startMs;
      const range = rangeOf(operation, args, sectorSize);
      tell(sink, { sequence, operation, start: range?.start, count: range?.count, startMs, durationMs, error });
    };
    try {
      const result = await send(args);
      end(undefined);
      return result;
    } catch (error) {
      end(isBlockError(error) ? error.code : 'IO');
      throw error;
    }
  };
  return createLayer(base, { name: 'trace', ownsBase: checkOwnsBase(options), intercept });
}

function tell(sink: TraceSink, record: TraceRecord): void {
  try {
    sink(record);
  } catch (error) {
    // A mistake in the sink: loud, but no reason to fail an operation that went well.
    void Promise.reject(error);
  }
}
