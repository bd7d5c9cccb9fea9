import { resolve } from 'node:path';
import { isBlockError } from '@blockyard/block';
import { connectUri } from '@blockyard/uri';
import { Failure } from '../terminal/failure.js';

/**
 * Before a server takes over: loads what it will need, and finds out whether the device is there and can be read, while another
 * process serves it. `clientsHave` names the device of that process.
 */
export async function rehearse(uri: string, clientsHave: string): Promise<void> {
  if (/^memory:/i.test(uri)) throw new Failure('what is in memory cannot be handed over', 'its clients have to end');
  const device = deviceNameOf(uri);
  if (device !== clientsHave) {
    throw new Failure(`clients have ${clientsHave}, and this is ${device}`, 'an upgrade serves the same device');
  }
  try {
    const opened = await connectUri(uri, { readOnly: true });
    await opened.disconnect();
  } catch (error) {
    // It is found, and the process that serves it has it, or its tier.
    if (!isBlockError(error, 'LOCKED') && !isBlockError(error, 'TIER_MISSING')) throw error;
  }
}

/** What a URI names, however it is opened. Paths are whole. */
export function deviceNameOf(uri: string): string {
  const [, scheme, path, rest] = /^(file|dir):([^?]*)|^(s3:[^?]*)/i.exec(uri) ?? [];
  if (scheme !== undefined && path !== undefined) return `${scheme.toLowerCase()}:${resolve(path)}`;
  return rest ?? uri;
}
