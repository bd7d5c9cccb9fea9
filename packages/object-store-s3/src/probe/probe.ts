import { BlockError } from '@blockyard/block';
import { newId, type ProbeOptions, type StoreAbilities } from '@blockyard/object-store';
import { ETAG_FORMS, type EtagForm } from '../requests/etag.js';
import type { ProbedStore } from './probed-store.js';
import { checkListed, Scratch } from './scratch.js';

/** PUTs at once that try whether a store carries out one of them. */
const RACERS = 3;

/** An ETag that no object has. */
const NO_ETAG = `"${'0'.repeat(32)}"`;

/**
 * Finds out on a scratch key, which it removes, what the store can do. Conditions above all: some stores accept and ignore
 * them, and two writers on such a store would overwrite each other unseen. Then what every user needs: that a range is what was
 * asked for, that metadata are kept, that a listing has what is there, that a delete deletes.
 *
 * The probe is made with the user's rights and under its prefix, so a lack of rights shows here too. Tells the store how it
 * wants its conditions, and to leave them out where it ignores them.
 */
export async function probe(store: ProbedStore, options: ProbeOptions): Promise<StoreAbilities> {
  const ids = [newId(), newId()] as const;
  const [low, high] = ids[0] < ids[1] ? ids : [ids[1], ids[0]];
  // The first in order is the second to be stored: a listing in the order of arrival shows by it.
  const scratch = new Scratch(store, options.scratchPrefix + high);
  const second = new Scratch(store, options.scratchPrefix + low);
  let abilities: Abilities;
  try {
    abilities = await probeAll(store, scratch, async (isNew) => {
      const { whileScratchExists } = options;
      if (whileScratchExists !== undefined) {
        await whileScratchExists(scratch.key);
        return probeNew(store, options, { scratch, second, isNew });
      }
      await checkListed(store, options, [scratch]);
      return true;
    });
  } catch (error) {
    await Promise.all([scratch.clear(), second.clear()]);
    throw error;
  }
  store.conditionalPuts = abilities.conditionalPuts;
  return { ...abilities, refusal: abilities.conditionalPuts ? undefined : scratch.refusal };
}

type Abilities = Omit<StoreAbilities, 'refusal'>;

/** `checkListing` is given whether the store takes `If-None-Match: *`, and gives whether it has conditions in earnest. */
async function probeAll(
  store: ProbedStore,
  scratch: Scratch,
  checkListing: (isNew: boolean) => Promise<boolean>,
): Promise<Abilities> {
  const isNew = await scratch.put('absent');
  if (!isNew) await scratch.putAnyway();
  const [refuses, , isEarnest] = await allEnded([
    isNew ? probeRefusals(scratch) : Promise.resolve(false),
    scratch.checkContents(),
    checkListing(isNew),
  ]);
  const etagForm = refuses && isEarnest ? await findForm(store, scratch) : undefined;
  const conditionalDeletes = await probeDeletes(scratch, etagForm !== undefined);
  return { conditionalPuts: etagForm !== undefined, conditionalDeletes };
}

/**
 * What is relied on later and has shown itself where the store is used already: that listings go on, in order if that is
 * wanted, that deletes delete, and that of several PUTs with the same condition one is carried out. Gives whether the last is
 * so.
 */
async function probeNew(
  store: ProbedStore,
  options: ProbeOptions,
  { scratch, second, isNew }: { readonly scratch: Scratch; readonly second: Scratch; readonly isNew: boolean },
): Promise<boolean> {
  const isEarnest = isNew && (await race(second));
  if (!isEarnest) await second.putAnyway();
  await checkListed(store, options, [scratch, second], 1);
  await second.remove();
  await second.checkGone();
  if (isNew && !isEarnest) scratch.refusal ??= second.refusal;
  return isEarnest;
}

/** Whether one of several PUTs with the same condition at the same time wins. Some stores look first, and store then. */
async function race(scratch: Scratch): Promise<boolean> {
  const won = await allEnded(Array.from({ length: RACERS }, () => scratch.put('absent')));
  const winners = won.filter((stored) => stored).length;
  if (winners > 1) {
    scratch.refusal = new BlockError('UNSUPPORTED', `${winners} PUTs at once passed the same condition`);
  }
  return winners === 1;
}

/** Waits until all have ended, so that nothing is under way after a failure. */
async function allEnded<T extends readonly unknown[] | []>(
  tasks: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

/** Whether conditions that do not hold are refused. */
async function probeRefusals(scratch: Scratch): Promise<boolean> {
  const wrong = await allEnded([scratch.put('absent'), scratch.put({ etag: NO_ETAG })]);
  return !wrong.includes(true);
}

/** The form in which a condition that holds is accepted, and one that does not is not. */
async function findForm(store: ProbedStore, scratch: Scratch): Promise<EtagForm | undefined> {
  for (const form of ETAG_FORMS) {
    store.etagForm = form;
    if (!(await scratch.put({ etag: scratch.etag }))) continue;
    // In the first form the refusal has been seen.
    if (form === ETAG_FORMS[0] || !(await scratch.put({ etag: NO_ETAG }))) return form;
  }
  store.etagForm = 'quoted';
  return undefined;
}

/** Removes the scratch key, trying first with an ETag that is wrong, and then the right one. */
async function probeDeletes(scratch: Scratch, conditionalPuts: boolean): Promise<boolean> {
  if (!conditionalPuts) {
    await scratch.remove();
    return false;
  }
  try {
    if ((await scratch.delete(NO_ETAG)) === 'gone') return false;
    if ((await scratch.delete(scratch.etag)) === 'gone') return true;
  } catch {
    // A store that does not know ETags here. What follows tells whether it can delete at all.
  }
  await scratch.remove();
  return false;
}
