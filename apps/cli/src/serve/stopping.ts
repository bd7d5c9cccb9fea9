import type { NbdServer } from '@blockyard/nbd';
import type { UriDevice } from '@blockyard/uri';
import { leftLine } from '../devices/tier-log.js';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf, TakenOver } from '../terminal/failure.js';

/** No new requests, finish, flush, disconnect. A second signal tells that the operator will not wait. */
export async function stop(context: Context, server: NbdServer): Promise<void> {
  const force = () => void server.stop({ force: true });
  context.force.addEventListener('abort', force);
  if (context.force.aborted) force();
  try {
    await server.stop();
  } catch (error) {
    await server.stop({ force: true });
    throw new Failure(`data is lost: ${messageOf(error)}`, 'it was accepted but not flushed', error);
  }
  if (context.force.aborted) {
    throw new Failure('stopped by force: what was accepted since the last flush may be lost', 'one signal is enough');
  }
}

/** Another process has the device: says so, and what is lost by it. */
export async function giveUp(context: Context, server: NbdServer, reason: unknown): Promise<never> {
  context.log(`the device is lost: ${messageOf(reason)}; ending`);
  const hint = 'it cannot be served again while that process is alive, unless with --take-over';
  try {
    await server.stop();
  } catch (error) {
    await server.stop({ force: true });
    throw new TakenOver(`data is lost: ${messageOf(error)}`, hint, error);
  }
  throw new TakenOver(`${messageOf(reason)}; nothing that was accepted is lost`, hint, reason);
}

/** Where the store is away at the end, its tier keeps what was flushed. */
export function leftOn({ tier }: UriDevice): string | undefined {
  return tier === undefined ? undefined : leftLine(tier());
}
