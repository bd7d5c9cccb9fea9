import type { BlockDevice } from '@blockyard/block';
import { strictEqual } from '../../assertions/assertions.js';
import { expectContents, readWriters } from '../../model/expect.js';
import type { Oracle } from '../../model/oracle.js';
import type { Context } from '../case.js';
import type { Volume } from '../subject.js';

/** A device, and what it was opened on. */
export interface Opened {
  readonly volume: Volume;
  readonly device: BlockDevice;
}

/**
 * Crashes the device in the midst of all that it is about. Each state that is left must be the result of a prefix of what the
 * oracle was told [D5], and must stay what it is. Gives a device on one of them.
 *
 * @param which one: a natural number
 */
export async function crash(context: Context, oracle: Oracle, crashed: Opened, which: number): Promise<Opened> {
  const prefixes = oracle.prefixes();
  const left = await context.crash(crashed.volume, crashed.device, which);
  let chosen: Opened | undefined;
  for (const [i, volume] of left.entries()) {
    const found = await readAll(await context.connect(volume));
    const violation = prefixes.violation(found);
    if (violation !== undefined) throw violation;
    const device = await context.connect(volume);
    await expectUnchanged(device, found);
    if (i === which % left.length) chosen = { volume, device };
    else await device.disconnect();
  }
  if (chosen === undefined) throw new Error('crashStates must give one state at least');
  return chosen;
}

/** What the device holds. Then it is given up. */
async function readAll(device: BlockDevice): Promise<number[]> {
  const found = await readWriters(device);
  await device.disconnect({ force: true });
  return found;
}

async function expectUnchanged(device: BlockDevice, found: readonly number[]): Promise<void> {
  strictEqual(device.info.sizeSectors, found.length, 'the size that a crash has left must stay what it is');
  await expectContents(device, 'opened again after a crash', ...found.map((writer) => [writer, 1] as const));
}
