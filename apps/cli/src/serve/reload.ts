import type { NbdServer } from '@blockyard/nbd';
import { logOptionsOf } from '../arguments/log.js';
import type { Context } from '../terminal/context.js';
import { messageOf } from '../terminal/failure.js';
import { onHangUp } from '../terminal/hang-up.js';
import type { Log } from '../terminal/log.js';
import { changedKeys, nameOf } from './changes.js';
import { checkPlan } from './config/check.js';
import type { Plan, ServerOptions } from './config/options.js';
import { readTls } from './config/tls.js';
import type { Token } from './http/token.js';
import { reloadVolumes } from './reload-volumes.js';
import type { Volumes } from './volumes/volumes.js';

export interface Reloadable {
  readonly plan: Plan;
  readonly server: Pick<NbdServer, 'replaceTls' | 'removeExport'>;
  readonly volumes: Volumes;
  readonly token: Token | undefined;
  readonly log: Log;
}

/** What of a server can change while it runs; where there is no TLS, or is to be none, that cannot. */
const LIVE: readonly (keyof ServerOptions)[] = ['logLevel', 'quiet', 'tlsCert', 'tlsKey', 'tlsCa', 'tlsPskFile'];

/**
 * Reads again at each hang-up what may have changed: the files of TLS, the token, and the configuration file. Where errors go to a
 * terminal, a hang-up means that this was closed, and ends the server. Gives what ends that.
 */
export function reloadOnHangUp(context: Context, reloadable: Reloadable): () => void {
  if ('isTTY' in context.stderr && context.stderr.isTTY === true) return () => {};
  let applied = reloadable.plan.server;
  let last: Promise<unknown> = Promise.resolve();
  const reload = async () => {
    const { done, server } = await reloaded(reloadable, applied);
    applied = server;
    return done;
  };
  onHangUp(() => {
    // One after the other.
    last = last.then(reload).then(
      (done) => context.log(done === '' ? 'reloaded' : `reloaded: ${done}`),
      (error: unknown) => context.log(`not reloaded, all is as it was: ${JSON.stringify(messageOf(error))}`),
    );
  });
  return () => onHangUp(undefined);
}

/** What has changed by it, in words, and what counts now. Rejects before anything has changed. */
async function reloaded(
  { plan, server, volumes, token, log }: Reloadable,
  applied: ServerOptions,
): Promise<{ readonly done: string; readonly server: ServerOptions }> {
  const next = plan.reread === undefined ? { ...plan, server: applied } : await plan.reread();
  await checkPlan(next);
  const tls = await readTls(next.server);
  const hadTls = applied.tlsCert !== undefined || applied.tlsPskFile !== undefined;
  const keepsTls = hadTls && tls !== undefined && applied.tls === next.server.tls;
  if (keepsTls) server.replaceTls(tls);
  await token?.reload();
  log.setLevel(logOptionsOf(next.server).level);
  const live = LIVE.filter((name) => keepsTls || !name.startsWith('tls'));
  const changed = changedKeys(applied, next.server);
  const done = changed.filter((name) => live.includes(name as keyof ServerOptions)).map((name) => nameOf(name));
  const later = changed.filter((name) => !live.includes(name as keyof ServerOptions)).map((name) => nameOf(name));
  if (plan.reread !== undefined) {
    const outcome = await reloadVolumes(volumes, next.volumes, server);
    done.push(...outcome.done);
    later.push(...outcome.later);
  }
  const needing = later.length === 0 ? [] : [`needs a restart or an upgrade: ${later.join(', ')}`];
  const taken = Object.fromEntries(live.map((name) => [name, next.server[name]]));
  return { done: [...done, ...needing].join('; '), server: { ...applied, ...taken } };
}
