import type { NbdServer } from '@blockyard/nbd';
import { messageOf } from '../terminal/failure.js';
import { setCacheSize } from './actions.js';
import { changedKeys, nameOf } from './changes.js';
import type { VolumePlan } from './config/options.js';
import type { Volume } from './volumes/volume.js';
import type { Volumes } from './volumes/volumes.js';

/** What has changed, and what changes only when a process begins, in words. */
export interface Outcome {
  readonly done: string[];
  readonly later: string[];
}

/** Makes what is served what plans say, as far as that can be done while it is served. Never rejects. */
export async function reloadVolumes(
  volumes: Volumes,
  plans: readonly VolumePlan[],
  server: Pick<NbdServer, 'removeExport'>,
): Promise<Outcome> {
  const outcome: Outcome = { done: [], later: [] };
  for (const volume of volumes.all()) {
    const plan = plans.find(({ name }) => name === volume.name);
    if (plan === undefined) await remove(volumes, volume, server, outcome);
    else await change(volume, plan, outcome);
  }
  for (const plan of plans) {
    if (volumes.find(plan.name) !== undefined) continue;
    volumes.add(plan);
    outcome.done.push(`volume ${JSON.stringify(plan.name)} is added`);
  }
  return outcome;
}

async function change(volume: Volume, plan: VolumePlan, { done, later }: Outcome): Promise<void> {
  const what = `of volume ${JSON.stringify(volume.name)}`;
  if (plan.uri !== volume.uri) later.push(`uri ${what}`);
  const changed = changedKeys(volume.options, plan.options);
  if (!volume.isServed) {
    // It is opened with them.
    volume.change(plan.options);
    done.push(...changed.map((name) => `${nameOf(name)} ${what}`));
    return;
  }
  const { cache } = plan.options;
  const hasCache = volume.options.cache !== undefined && cache !== undefined;
  for (const name of changed) {
    if (name !== 'cache' || !hasCache) {
      later.push(`${nameOf(name)} ${what}`);
      continue;
    }
    try {
      await setCacheSize(volume, cache);
      done.push(`cache ${what}`);
    } catch (error) {
      later.push(`cache ${what} (${messageOf(error)})`);
    }
  }
}

/** What could not be made durable stays, and is served as before. */
async function remove(
  volumes: Volumes,
  volume: Volume,
  server: Pick<NbdServer, 'removeExport'>,
  { done, later }: Outcome,
): Promise<void> {
  const name = JSON.stringify(volume.name);
  try {
    if (volume.isServed) await server.removeExport(volume.name);
    volumes.forget(volume);
    done.push(`volume ${name} is removed, everything of it is flushed`);
  } catch (error) {
    later.push(`the end of volume ${name} (${messageOf(error)})`);
  }
}
