import { BlockError } from '@blockyard/block';
import { newId } from '@blockyard/object-store';
import {
  MAX_CHANGE_ATTEMPTS,
  type OwnedRoot,
  putRoot,
  type RootChange,
  type RootPlace,
  readRoot,
} from './root-format.js';

/**
 * Changes the root of a volume for a process that does not own it: for layouts that can `merge`, and there only what `merge`
 * takes from the root that is found. Who owns the volume stays as it is, whatever `change` says of that; the writer takes the
 * change in with its next look. `change` is called again where the root was changed meanwhile. What it throws is passed on, and
 * nothing is changed then. Resolves with the root that was stored.
 *
 * `NOT_FOUND`, `CORRUPT` and `UNSUPPORTED` as {@link readRoot}; `UNAVAILABLE` where the root changed all the time; and what the
 * store fails with: then the change may have been carried out, or still be.
 */
export async function changeRoot<R extends OwnedRoot>(place: RootPlace<R>, change: RootChange<R>): Promise<R> {
  for (let attempt = 1; attempt <= MAX_CHANGE_ATTEMPTS; attempt++) {
    const { root: found, version } = await readRoot(place);
    const { volumeId, writerEpoch, opening, holder } = found;
    const root = { ...change(found), volumeId, writerEpoch, opening, holder, changeId: newId() };
    const result = await putRoot(place, root, { etag: version.etag });
    if (result.kind === 'failed') throw result.error;
    if (result.kind === 'stored') return root;
  }
  throw new BlockError('UNAVAILABLE', `${place.store.urlOf(place.key)} changes all the time; try again`);
}
