import { isBlockError } from '@blockyard/block';
import type { NbdServer } from '@blockyard/nbd';
import type { UriDevice } from '@blockyard/uri';
import { leftLine } from '../devices/tier-log.js';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf, TakenOver } from '../terminal/failure.js';
import type { End } from './ending.js';
import type { Volume } from './volumes/volume.js';
import type { Volumes } from './volumes/volumes.js';

const TAKEN_HINT = 'it cannot be served again while that process is alive, unless with --take-over';
/** How often it is tried to let go of a volume while the server is handed over. */
const RETRY_MS = 200;

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

/** The end of a server, whatever it ends by. Tells of each volume that everything of it is flushed, and rejects where that is not so. */
export async function finish(context: Context, server: NbdServer, volumes: Volumes, end: End): Promise<void> {
  const served = volumes.served();
  if (end.why === 'lost') await giveUp(context, server, end.reason);
  await stop(context, server);
  if (end.why === 'stranded') throw end.error;
  if (end.why === 'upgraded') return context.log(`ended: process ${end.pid} serves`);
  for (const volume of served) {
    const left = leftOn(volume.device);
    if (left !== undefined) volume.log(left);
    if (volumes.isMany) volume.log('everything of it is flushed');
  }
  const lost = volumes.all().filter(({ state }) => state === 'lost');
  if (lost.length > 0) throw lostFailure(lost);
  context.log('stopped, everything is flushed');
}

/** Other processes have all that was served: says so, and what is lost by it. */
async function giveUp(context: Context, server: NbdServer, reason: unknown): Promise<never> {
  context.log(`the device is lost: ${messageOf(reason)}; ending`);
  try {
    await server.stop();
  } catch (error) {
    await server.stop({ force: true });
    throw new TakenOver(`data is lost: ${messageOf(error)}`, TAKEN_HINT, error);
  }
  throw new TakenOver(`${messageOf(reason)}; nothing that was accepted is lost`, TAKEN_HINT, reason);
}

/** Another process has this volume: its clients are hung up on, and the log says what is lost by it. Others are served as before. */
export async function letGo(server: Pick<NbdServer, 'removeExport'>, volume: Volume, reason: unknown): Promise<void> {
  volume.log(`warning: the device is lost: ${messageOf(reason)}; it is no longer served`);
  for (;;) {
    try {
      await server.removeExport(volume.name);
      return volume.log('nothing that was accepted is lost');
    } catch (error) {
      // The server is at its end, which tells of it, or has never had it.
      if (isBlockError(error, 'DISCONNECTED') || isBlockError(error, 'NOT_FOUND')) return;
      if (!isBlockError(error, 'LOCKED')) {
        volume.log(`warning: data is lost: ${messageOf(error)}`);
        return server.removeExport(volume.name, { force: true }).catch(() => {});
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** The end of a server some of whose volumes were taken. */
function lostFailure(lost: readonly Volume[]): TakenOver {
  const texts = lost.map(({ name, reason }) => `export ${JSON.stringify(name)}: ${messageOf(reason)}`);
  return new TakenOver(texts.join('; '), TAKEN_HINT, lost[0]?.reason);
}

/** Where the store is away at the end, its tier keeps what was flushed. */
function leftOn({ tier }: UriDevice): string | undefined {
  return tier === undefined ? undefined : leftLine(tier());
}
