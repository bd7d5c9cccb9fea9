import { connectUri, type UriDevice, type WarmStartEvent } from '@blockyard/uri';
import { tierOptionsOf } from '../arguments/tier.js';
import { warmStartOptionsOf } from '../arguments/warm-start.js';
import { connectOptions, openDevice, tierEvents } from '../devices/device.js';
import { tierLines } from '../devices/tier-log.js';
import { warmStartLine } from '../devices/warm-start-log.js';
import type { Context } from '../terminal/context.js';
import { Interruption } from '../terminal/interruption.js';
import type { ServeOptions } from './options.js';

/** Undefined if the end was asked for before there was anything to serve. */
export async function openServed(context: Context, uri: string, options: ServeOptions): Promise<UriDevice | undefined> {
  try {
    const device = await openDevice(context, connectServed(context, uri, options));
    if (device.tier !== undefined) for (const line of tierLines(device.tier())) context.log(line);
    return device;
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    context.log('stopped before there was anything to serve');
    return undefined;
  }
}

/** The device that a server's options say. Rejects as `connectUri` does. */
export function connectServed(context: Context, uri: string, options: ServeOptions): Promise<UriDevice> {
  const remembered = warmStartOptionsOf(options, options.cache !== undefined);
  const onEvent = (event: WarmStartEvent) => context.log(warmStartLine(event));
  const warmStart = remembered === undefined ? {} : { warmStart: { ...remembered, onEvent } };
  const tier = { ...tierOptionsOf(options), ...tierEvents(context) };
  return connectUri(uri, { ...connectOptions(options), ...tier, ...warmStart, maxOutageMs: options.outage });
}

/** An upgrade is no start of what is served: nothing is to be recorded or read ahead for it. */
export function withoutBoot({ bootProfile: _, ...options }: ServeOptions): ServeOptions {
  return options;
}
