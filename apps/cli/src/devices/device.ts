import { type BlockDevice, isBlockError } from '@blockyard/block';
import { type ConnectUriOptions, connectUri, type UriDevice } from '@blockyard/uri';
import type { Context } from '../terminal/context.js';
import { unlessInterrupted } from '../terminal/interruption.js';
import { lossLine, tierFailure } from './tier-log.js';

/** What the command line says of a device. */
export interface DeviceOptions {
  readonly cache?: number | undefined;
  readonly readOnly?: boolean | undefined;
  /** Whether a volume is taken from another process that is alive. */
  readonly takeOver?: boolean | undefined;
  /** Whether a volume is opened without the tier that it has, too. Left out: what the URI says. */
  readonly acceptLoss?: boolean | undefined;
}

/** How long after a signal people are told what is waited for, in milliseconds. */
const REMINDER_MS = 2000;

/** As much of a device as it takes to be rid of it. */
type Closable = Pick<BlockDevice, 'disconnect'>;

/**
 * Opens a device for the time of `body`. Afterwards it is disconnected, which makes durable what was accepted; also if `body`
 * failed, and then the failure of `body` is what counts. A second signal ends it by force.
 */
export async function withDevice<T>(
  context: Context,
  uri: string,
  { tier, ...options }: DeviceOptions & Pick<ConnectUriOptions, 'tier'>,
  body: (device: UriDevice) => Promise<T>,
): Promise<T> {
  const withTier = tier === undefined ? {} : { tier };
  const connecting = connectUri(uri, { ...connectOptions(options), ...withTier, ...tierEvents(context) });
  const device = await openDevice(context, connecting);
  return using(context, device, body);
}

/** The device that is being connected, or, if a signal comes first, the interruption: nothing is at stake yet. */
export async function openDevice<D extends Closable>(context: Context, connecting: Promise<D>): Promise<D> {
  try {
    return await unlessInterrupted(context.interruption, connecting);
  } catch (error) {
    // It may come yet, and must not keep the process alive.
    connecting.then((device) => device.disconnect({ force: true })).catch(() => {});
    throw error;
  }
}

/** The same for a device that is open already. */
export async function using<D extends BlockDevice, T>(
  context: Context,
  device: D,
  body: (device: D) => Promise<T>,
): Promise<T> {
  const force = () => void device.disconnect({ force: true });
  context.force.addEventListener('abort', force);
  if (context.force.aborted) force();
  // Nothing is at stake: no need to wait for what is in flight.
  let reminder: NodeJS.Timeout | undefined;
  const remindSoon = () => {
    reminder = setTimeout(
      () => context.log('waiting for the device to take what was written; a second signal gives that up'),
      REMINDER_MS,
    );
  };
  const onInterruption = device.info.readOnly ? force : remindSoon;
  context.interruption.addEventListener('abort', onInterruption);
  try {
    context.interruption.throwIfAborted();
    const result = await body(device);
    await device.disconnect();
    return result;
  } catch (error) {
    // The first failure is the one to tell. Where it was the disconnecting itself, trying again would only take long.
    const failedToEnd = isBlockError(error) && error.operation === 'disconnect';
    await device.disconnect(failedToEnd ? { force: true } : {}).catch(() => device.disconnect({ force: true }));
    // What a signal had cut short fails as it may; the signal is why.
    if (context.interruption.aborted && isBlockError(error, 'DISCONNECTED')) throw context.interruption.reason;
    throw error;
  } finally {
    context.force.removeEventListener('abort', force);
    context.interruption.removeEventListener('abort', onInterruption);
    clearTimeout(reminder);
  }
}

/** Whether a URI gives a new device in memory each time, which no one has anything on. */
export function isMemory(uri: string): boolean {
  return /^memory:/i.test(uri);
}

export function connectOptions(options: DeviceOptions): ConnectUriOptions {
  const { cache, readOnly = false, takeOver = false, acceptLoss } = options;
  return {
    readOnly,
    takeOver,
    ...(acceptLoss === undefined ? {} : { acceptLoss }),
    ...(cache === undefined ? {} : { cacheSizeBytes: cache }),
  };
}

/** What a tier has to tell goes to the log. */
export function tierEvents(context: Pick<Context, 'log'>): Pick<ConnectUriOptions, 'onTierError' | 'onTierLoss'> {
  return {
    onTierError: (error) => context.log(tierFailure(error)),
    onTierLoss: (loss) => context.log(lossLine(loss)),
  };
}
