import { BlockError } from '@blockyard/block';
import {
  type Condition,
  type ObjectStore,
  type ObjectVersion,
  type PutResult,
  readWhole,
} from '@blockyard/object-store';
import type { Holder } from './holder.js';

/** What the root of a volume says in every layout. */
export interface OwnedRoot {
  /** Random, made with the volume. */
  readonly volumeId: string;
  /** Number of times that the volume was opened for writing. The highest is the writer; all others are fenced. */
  readonly writerEpoch: number;
  /**
   * Random, new with each opening for writing; null before the first. Where a root was put back to an earlier version there can
   * be two writers of one epoch: the one whose opening the root has is the writer, the other one is fenced.
   */
  readonly opening: string | null;
  /** Who has the volume open for writing. Null after a clean end. */
  readonly holder: Holder | null;
  /** The volume is given up, and its objects may be gone: it is only there to be deleted. Left out: it is not. */
  readonly isDeleted?: true;
  /** Random, new with each change, so that no two versions of the root are alike. */
  readonly changeId: string;
}

/** The root of one layout, as an object of a store. */
export interface RootFormat<R extends OwnedRoot> {
  /** What is longer is not a root, and is not read. */
  readonly maxBytes: number;
  /** The same bytes for the same root, always. */
  encode(root: R): Uint8Array;
  /** Throws `CORRUPT` with what is wrong, or `UNSUPPORTED` for a root of a later version. `where` names the object. */
  decode(bytes: Uint8Array, where: string): R;
  /** The stamp of the object: no two versions of a root have the same one. */
  stampOf(root: R): string;
  /**
   * For a layout whose roots others change as well, within the epoch of the writer and without its knowledge: what holds when
   * `found` is there in place of the writer's own `mine`. It takes from `found` what others may change, and from `mine` all that
   * the writer alone may. Pure. Left out: no one but the writer changes a root.
   */
  merge?(mine: R, found: R): R;
}

/** Where a root is, and how it is written. */
export interface RootPlace<R extends OwnedRoot> {
  readonly store: ObjectStore;
  /** Of the root object. */
  readonly key: string;
  readonly format: RootFormat<R>;
}

/** A root, and the version of the object that it was found in. */
export interface FoundRoot<R extends OwnedRoot> {
  readonly root: R;
  readonly version: ObjectVersion;
}

/** A change of a root, to the one that holds or, where others change it meanwhile, to each that holds in turn. Pure. */
export type RootChange<R extends OwnedRoot> = (root: R) => R;

/** Tries at one change of a root that others change meanwhile. */
export const MAX_CHANGE_ATTEMPTS = 16;

/**
 * Reads the root of a volume. `NOT_FOUND` if there is none, or its deletion has begun; `CORRUPT` or `UNSUPPORTED` if it cannot be
 * used.
 */
export async function readRoot<R extends OwnedRoot>(place: RootPlace<R>): Promise<FoundRoot<R>> {
  const found = await readEvenDeleted(place);
  refuseIfDeleted(found.root, place.store.urlOf(place.key));
  return found;
}

/** Throws `NOT_FOUND` if the deletion of the volume has begun: what is left of it is not to be taken for the whole. */
export function refuseIfDeleted({ isDeleted }: Pick<OwnedRoot, 'isDeleted'>, url: string): void {
  if (isDeleted !== true) return;
  throw new BlockError('NOT_FOUND', `${url}: the volume was deleted in part: delete it again to finish that`);
}

/** As {@link readRoot}, also of a volume whose deletion has begun. */
export async function readEvenDeleted<R extends OwnedRoot>({
  store,
  key,
  format,
}: RootPlace<R>): Promise<FoundRoot<R>> {
  const found = await readWhole(store, key, format.maxBytes);
  if (found === undefined) throw new BlockError('NOT_FOUND', `no volume here: ${store.urlOf(key)} does not exist`);
  return { root: format.decode(found.bytes, store.urlOf(key)), version: found.version };
}

/** Writes a root, stamped. Never rejects. */
export function putRoot<R extends OwnedRoot>(
  { store, key, format }: RootPlace<R>,
  root: R,
  condition: Condition,
): Promise<PutResult> {
  return store.put(key, format.encode(root), condition, format.stampOf(root));
}
