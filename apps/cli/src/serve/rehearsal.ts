import { isBlockError } from '@blockyard/block';
import { connectUri } from '@blockyard/uri';
import { tierOptionsOf } from '../arguments/tier.js';
import { Failure } from '../terminal/failure.js';
import { deviceNameOf } from './config/device-name.js';
import type { VolumePlan } from './config/options.js';
import type { Inheritance } from './successor.js';
import { identityOf, REPLACED } from './volumes/identity.js';

/**
 * Before a server takes over: loads what it will need, and finds out whether the devices are there and can be read, while another
 * process serves them. `clientsHave` names the devices of that process, by export, and `ids` tells them from others that may have
 * come in their places. More may be served than those.
 */
export async function rehearse(
  plans: readonly VolumePlan[],
  clientsHave: Inheritance['devices'],
  ids: Inheritance['ids'] = {},
): Promise<void> {
  await Promise.all(
    Object.entries(clientsHave).map(async ([name, device]) => {
      const plan = plans.find((each) => each.name === name);
      if (plan === undefined) {
        const names = plans.map((each) => JSON.stringify(each.name)).join(', ');
        throw new Failure(`clients have export ${JSON.stringify(name)}, and this serves ${names}`);
      }
      await rehearseOne(plan, device, ids[name]);
    }),
  );
}

async function rehearseOne({ uri, options }: VolumePlan, clientsHave: string, id: string | undefined): Promise<void> {
  if (/^memory:/i.test(uri)) throw new Failure('what is in memory cannot be handed over', 'its clients have to end');
  const device = deviceNameOf(uri);
  if (device !== clientsHave) {
    throw new Failure(`clients have ${clientsHave}, and this is ${device}`, 'an upgrade serves the same device');
  }
  try {
    const { cache } = options;
    const opened = await connectUri(uri, { readOnly: true, ...(cache === undefined ? {} : { cacheSizeBytes: cache }) });
    await opened.disconnect();
    if (id === undefined || identityOf(opened) === id) return;
    throw new Failure(`${device} ${REPLACED}`, 'put back what was there, or stop the server: its clients have to end');
  } catch (error) {
    // It is found, and the process that serves it has it, or its tier.
    if (isBlockError(error, 'LOCKED')) return;
    if (!isBlockError(error, 'TIER_MISSING')) throw error;
    await rehearseTier(uri, options);
  }
}

/** What was flushed last is on a tier, and stays there when the volume changes hands: it must be the one that this server is given. */
async function rehearseTier(uri: string, options: VolumePlan['options']): Promise<void> {
  const { acceptLoss = false } = options;
  try {
    const opened = await connectUri(uri, { readOnly: true, acceptLoss, ...tierOptionsOf(options) });
    await opened.disconnect();
  } catch (error) {
    if (isBlockError(error, 'LOCKED')) return;
    if (!isBlockError(error, 'TIER_MISSING')) throw error;
    throw new Failure(`an upgrade keeps the tier: ${error.message}`, 'to change it, stop the server, which drains it');
  }
}
