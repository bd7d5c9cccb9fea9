import { connectUri, type LoadedDevice, type UriDevice, type WarmStartEvent } from '@blockyard/uri';
import { tierOptionsOf } from '../../arguments/tier.js';
import { warmStartOptionsOf } from '../../arguments/warm-start.js';
import { connectOptions, tierEvents } from '../../devices/device.js';
import { warmStartLine } from '../../devices/warm-start-log.js';
import type { Context } from '../../terminal/context.js';
import type { VolumePlan } from '../config/options.js';

/** What the cache held is brought in once clients that waited for the upgrade have been served. */
const UPGRADE_WARM_START_DELAY_MS = 2000;

/** The device that a plan names. Rejects as `connectUri` does, and with a `UsageError` where options contradict one another. */
export async function connectServed(
  teller: Pick<Context, 'log'>,
  { uri, options }: VolumePlan,
  { isUpgrade = false, loaded }: { readonly isUpgrade?: boolean; readonly loaded?: LoadedDevice | undefined } = {},
): Promise<UriDevice> {
  const remembered = warmStartOptionsOf(options, options.cache !== undefined);
  const onEvent = (event: WarmStartEvent) => teller.log(warmStartLine(event));
  const startDelayMs = isUpgrade ? UPGRADE_WARM_START_DELAY_MS : 0;
  const warmStart = remembered === undefined ? {} : { warmStart: { ...remembered, startDelayMs, onEvent } };
  const tier = { ...tierOptionsOf(options), ...tierEvents(teller) };
  return connectUri(uri, {
    ...connectOptions(options),
    ...tier,
    ...warmStart,
    ...(loaded === undefined ? {} : { loaded }),
    maxOutageMs: options.outage,
    traceBase: true,
  });
}

/** An upgrade is no start of what is served: nothing is to be recorded or read ahead for it. */
export function withoutBoot({ options: { bootProfile: _, ...options }, ...plan }: VolumePlan): VolumePlan {
  return { ...plan, options };
}
