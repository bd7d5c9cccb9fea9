import { BlockError } from '@blockyard/block';
import type { Superblock } from '../format/superblock.js';
import type { Medium } from '../medium/medium.js';
import { checkSuperblock, isEmpty, readSuperblocks } from '../medium/superblocks.js';

/**
 * The superblock that counts, and which of the two it is; none if the medium is empty. Throws `ALREADY_EXISTS` if something else
 * is there, `CORRUPT` if both are damaged or the medium has shrunk, `UNSUPPORTED` if this build cannot use it.
 */
export async function findSuperblock(medium: Medium): Promise<{ superblock: Superblock | undefined; slot: number }> {
  const { slots, latest, slot, failure } = await readSuperblocks(medium);
  if (latest !== undefined) {
    checkSuperblock(medium, latest);
    return { superblock: latest, slot };
  }
  const { name } = medium.info;
  if (slots.includes('damaged')) {
    const what = `the superblocks of the write log on ${name} are damaged`;
    throw new BlockError('CORRUPT', what, { cause: failure });
  }
  if (slots.every((each) => each === 'zero') && (await isEmpty(medium))) return { superblock: undefined, slot: 1 };
  throw new BlockError('ALREADY_EXISTS', `there is something on the medium ${name} that is no write log`);
}
