import { type Channel, tracingChannel } from 'node:diagnostics_channel';
import { type BlockDevice, checkDevice, checkOptionNames, type KnownOptions, type Operation } from '@blockyard/block';
import { checkOwnsBase } from './check.js';
import { createLayer, type Intercept, type LayerOptions, rangeOf } from './layer.js';

/**
 * Name of the tracing channel of `node:diagnostics_channel` that {@link DeviceOperation}s are published on: `start` and `end`
 * around the call, `asyncStart` and `asyncEnd` around its outcome, `error` before that where it failed.
 */
export const DEVICE_CHANNEL = 'blockyard:device';

/** One call of a device. The same object at each of its events. */
export interface DeviceOperation {
  readonly operation: Operation;
  /** The name of the device that was wrapped. */
  readonly device: string;
  readonly sectorSize: number;
  /** First sector and number of sectors, where the operation is about sectors. */
  readonly start: number | undefined;
  readonly count: number | undefined;
  /** What it failed with, once it has. */
  readonly error?: unknown;
}

/** Options of {@link withTracing}. */
export interface TracingOptions extends LayerOptions {
  /** What the device is called. Default: `tracing(...)`, with the name of the base. */
  readonly name?: string;
}

const KNOWN: KnownOptions<TracingOptions> = { ownsBase: true, name: true };

const channel = tracingChannel<unknown, DeviceOperation>(DEVICE_CHANNEL);
const events: readonly Channel[] = [channel.start, channel.end, channel.asyncStart, channel.asyncEnd, channel.error];

/**
 * The base, telling the channel `blockyard:device` of every operation, those of a `disconnect` and of emulation included. While
 * no one listens, calls go through as they are. Throws `INVALID_ARGUMENT` if an argument is wrong or an option unknown.
 */
export function withTracing(base: BlockDevice, options: TracingOptions = {}): BlockDevice {
  checkDevice(base, 'base');
  checkOptionNames(options, KNOWN);
  const { name: device, sectorSize } = base.info;
  const intercept: Intercept = (operation, args, send) => {
    if (!events.some(({ hasSubscribers }) => hasSubscribers)) return send(args);
    const range = rangeOf(operation, args, sectorSize);
    const message: DeviceOperation = { operation, device, sectorSize, start: range?.start, count: range?.count };
    return channel.tracePromise(() => send(args), message);
  };
  const info = options.name === undefined ? {} : { name: options.name };
  return createLayer(base, { name: 'tracing', ownsBase: checkOwnsBase(options), intercept, info });
}
