import { BlockError } from '@blockyard/block';
import { newId } from '@blockyard/object-store';
import { MAX_CHANGE_ATTEMPTS, type OwnedRoot, putRoot, type RootPlace, readEvenDeleted } from './root-format.js';

/**
 * Says in the root of a volume that it is given up: from then on no one opens it, and a writer that has it open is fenced. The
 * root names no holder then, so that any process can finish the deletion.
 *
 * `check` is called with each root that is found, and throws if the volume is to stay. Writes nothing where the root says so
 * already.
 *
 * `NOT_FOUND`, `CORRUPT` and `UNSUPPORTED` where the root cannot be read; `UNAVAILABLE` where it changed all the time; and what
 * the store fails with: then the root may say so, or come to.
 */
export async function markDeleted<R extends OwnedRoot>(place: RootPlace<R>, check: (root: R) => void): Promise<void> {
  for (let attempt = 1; attempt <= MAX_CHANGE_ATTEMPTS; attempt++) {
    const { root: found, version } = await readEvenDeleted(place);
    if (found.isDeleted === true) return;
    check(found);
    const ownership = { writerEpoch: found.writerEpoch + 1, opening: newId(), holder: null };
    const root: R = { ...found, ...ownership, isDeleted: true, changeId: newId() };
    const result = await putRoot(place, root, { etag: version.etag });
    if (result.kind === 'failed') throw result.error;
    if (result.kind === 'stored') return;
  }
  throw new BlockError('UNAVAILABLE', `${place.store.urlOf(place.key)} changes all the time; try again`);
}
