import { BlockError } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import { LAYOUTS, type Layout } from './layout.js';

/** The longest root of any layout. */
const ROOT_BYTES_MAX = 1 << 20;
/** What any layout adds to a prefix at most. */
const LONGEST_KEY_BYTES = 160;

/** Every layout has its root there. */
export function rootKeyOf(prefix: string): string {
  return `${prefix}/volume.json`;
}

/**
 * Which layout a volume has, as its root says. `NOT_FOUND` if there is none, `CORRUPT` for what is no root, `UNSUPPORTED` for a
 * layout or version that is not known.
 */
export async function findLayout(store: ObjectStore, prefix: string): Promise<Layout> {
  const { readWhole } = await import('@blockyard/object-store');
  const volumeRoot: typeof import('@blockyard/volume-root') = await import('@blockyard/volume-root');
  volumeRoot.checkPrefix(prefix, LONGEST_KEY_BYTES);
  const key = rootKeyOf(prefix);
  const found = await readWhole(store, key, ROOT_BYTES_MAX);
  if (found === undefined) throw new BlockError('NOT_FOUND', `no volume here: ${store.urlOf(key)} does not exist`);
  const name = volumeRoot.layoutOf(found.bytes, store.urlOf(key));
  const layout = LAYOUTS.find((each) => each === name);
  if (layout !== undefined) return layout;
  throw new BlockError('UNSUPPORTED', `${store.urlOf(key)}: layout ${JSON.stringify(name)} is not known`);
}

/** Why a volume of chunks cannot do what a log can. */
export function noPast(where: string): BlockError {
  const what = `${where} is a volume of chunks, which has no past: snapshots, clones and URI@MOMENT are for layout log`;
  return new BlockError('UNSUPPORTED', what);
}
