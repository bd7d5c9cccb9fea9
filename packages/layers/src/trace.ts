import {
  type BlockDevice,
  type Clock,
  checkClock,
  checkDevice,
  checkFunction,
  checkOptionNames,
  type KnownOptions,
  type Operation,
  systemClock,
} from '@blockyard/block';
import { checkOwnsBase } from './check.js';
import { createLayer, type Intercept, type LayerOptions, rangeOf } from './layer.js';
import { type Ended, timed } from './timed.js';

/** One operation that has ended. */
export interface TraceRecord extends Ended {
  /** Counts the operations in the order in which they began, from 0. */
  readonly sequence: number;
  readonly operation: Operation;
  /** First sector and number of sectors, where the operation is about sectors. */
  readonly start: number | undefined;
  readonly count: number | undefined;
}

/**
 * Gets every record when its operation ends. What it throws does not affect the operation; it surfaces as an unhandled
 * rejection.
 */
export type TraceSink = (record: TraceRecord) => void;

/** Options of {@link withTrace}. */
export interface TraceOptions extends LayerOptions {
  /** Default: the system's. */
  readonly clock?: Clock;
}

const KNOWN: KnownOptions<TraceOptions> = { ownsBase: true, clock: true };

/**
 * The base, telling `sink` about every operation, those of a `disconnect` and of emulation included.
 *
 * Throws `INVALID_ARGUMENT` if an argument is wrong or an option unknown.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { withTrace } from '@blockyard/layers';
 *
 * const device = withTrace(await connectMemory({ sizeSectors: 16 }), ({ operation, start, count }) =>
 *   console.log(operation, start, count), // read 4 2
 * );
 * await device.read(4, [new Uint8Array(1024)]);
 * ```
 */
export function withTrace(base: BlockDevice, sink: TraceSink, options: TraceOptions = {}): BlockDevice {
  checkDevice(base, 'base');
  checkFunction(sink, 'sink');
  checkOptionNames(options, KNOWN);
  const { clock = systemClock } = options;
  checkClock(clock);
  const { sectorSize } = base.info;
  let started = 0;

  const intercept: Intercept = (operation, args, send) => {
    const sequence = started++;
    return timed(
      clock,
      () => send(args),
      (ended) => {
        const range = rangeOf(operation, args, sectorSize);
        tell(sink, { sequence, operation, start: range?.start, count: range?.count, ...ended });
      },
    );
  };
  return createLayer(base, { name: 'trace', ownsBase: checkOwnsBase(options), intercept });
}

function tell(sink: TraceSink, record: TraceRecord): void {
  try {
    sink(record);
  } catch (error) {
    // A mistake in the sink must be noticed, but is no reason to fail an operation.
    void Promise.reject(error);
  }
}
