import { type BlockError, isBlockError } from '@blockyard/block';
import type { Fence, RootObject } from '@blockyard/volume-root';
import type { LogRoot } from '../format/root.js';
import { mayBeGone } from './still-current.js';

/** What tells whether the volume is still ours. */
interface Ownership {
  readonly root: Pick<RootObject<LogRoot>, 'verify'>;
  readonly fence: Fence;
}

/**
 * What a writer's failure is told as. What a later writer has deleted is missed only by one that it has replaced, so where something
 * is gone the root is looked at first: `FENCED` if another writer has the volume, or there is none. Otherwise the error itself.
 */
export async function causeOf(error: unknown, { root, fence }: Ownership): Promise<unknown> {
  if (!mayBeGone(error)) return error;
  try {
    await root.verify();
    return error;
  } catch (found) {
    if (isBlockError(found, 'FENCED')) return found;
    return isBlockError(found, 'NOT_FOUND') ? fencedError(fence, 'the volume was deleted') : error;
  }
}

/** Raises the fence. Returns what it throws. */
export function fencedError(fence: Fence, what: string): BlockError {
  try {
    return fence.raise(what);
  } catch (error) {
    return error as BlockError;
  }
}
