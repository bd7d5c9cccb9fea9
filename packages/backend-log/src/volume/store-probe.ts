import { BlockError } from '@blockyard/block';
import type { ObjectStore, ProbeOptions, StoreAbilities } from '@blockyard/object-store';
import { probePrefix, rootKey } from '../format/keys.js';

/**
 * Finds out whether a log can live on the store. `UNSUPPORTED` for one that ignores conditions, unless `allowUnsafeStore`: then
 * flushes look at the root, and two who open the volume at the same moment are not told apart.
 */
export async function probeStore(
  { store, prefix }: { readonly store: ObjectStore; readonly prefix: string },
  allowUnsafeStore: boolean,
  whileScratchExists?: ProbeOptions['whileScratchExists'],
): Promise<StoreAbilities> {
  const abilities = await store.probe({ scratchPrefix: probePrefix(prefix), whileScratchExists });
  if (abilities.conditionalPuts || allowUnsafeStore) return abilities;
  const reason = abilities.refusal === undefined ? '' : ` (${abilities.refusal.message})`;
  throw new BlockError(
    'UNSUPPORTED',
    `${store.urlOf(rootKey(prefix))}: the store does not honour conditional writes${reason}, so a second writer would not be noticed; allowUnsafeStore goes on all the same`,
  );
}
