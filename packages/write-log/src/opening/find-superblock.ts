import { BlockError } from '@blockyard/block';
import type { Superblock } from '../format/superblock.js';
import type { Medium } from '../medium/medium.js';
import { checkSuperblock, isEmpty, readSuperblocks } from '../medium/superblocks.js';

export interface FoundSuperblock {
  /** None if the medium is empty. */
  readonly superblock: Superblock | undefined;
  /** Which of the two it is. */
  readonly slot: number;
  /** Why the other one, which may be newer, could not be read, if that was so. */
  readonly failure: unknown;
}

/**
 * The superblock that counts. Throws `ALREADY_EXISTS` if something else is there, `CORRUPT` if both are damaged or the medium has
 * shrunk, `UNSUPPORTED` if this build cannot use it, and what the medium fails with where that leaves open what is there.
 */
export async function findSuperblock(medium: Medium): Promise<FoundSuperblock> {
  const { slots, latest, slot, failure } = await readSuperblocks(medium);
  if (latest !== undefined) {
    checkSuperblock(medium, latest);
    return { superblock: latest, slot, failure };
  }
  const { name } = medium.info;
  if (slots.includes('damaged')) {
    const what = `the superblocks of the write log on ${name} are damaged`;
    throw new BlockError('CORRUPT', what, { cause: failure });
  }
  if (failure !== undefined) throw failure;
  if (slots.every((each) => each === 'zero') && (await isEmpty(medium))) {
    return { superblock: undefined, slot: 1, failure: undefined };
  }
  throw new BlockError('ALREADY_EXISTS', `there is something on the medium ${name} that is no write log`);
}
