import { BlockError, checkSectorSize } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import { LAYOUTS, type Layout } from './layout.js';

/** The longest root of any layout. */
const ROOT_BYTES_MAX = 1 << 20;
/** What any layout adds to a prefix at most. */
const LONGEST_KEY_BYTES = 160;

/** What a volume was made with. */
export interface Shape {
  readonly layout: Layout;
  /** As the root says it, and believed: who opens the volume checks it. */
  readonly sectorSize: number;
  /** Bytes in one object, of a volume of chunks; as believed as that. */
  readonly chunkBytes: unknown;
}

/** Every layout has its root there. */
export function rootKeyOf(prefix: string): string {
  return `${prefix}/volume.json`;
}

/** Which layout a volume has. Rejects as {@link findRoot} does. */
export async function findLayout(store: ObjectStore, prefix: string): Promise<Layout> {
  return (await findRoot(store, prefix)).layout;
}

/** What a volume is, as its root says. Rejects as {@link findRoot} does, and with `CORRUPT` if its sector size is not valid. */
export async function findShape(store: ObjectStore, prefix: string): Promise<Shape> {
  const { layout, fields } = await findRoot(store, prefix);
  const { sectorSize, objectSizeBytes: chunkBytes } = fields;
  try {
    checkSectorSize(sectorSize as number);
  } catch (cause) {
    const what = `${store.urlOf(rootKeyOf(prefix))}: ${(cause as Error).message}`;
    throw new BlockError('CORRUPT', what, { cause });
  }
  return { layout, sectorSize: sectorSize as number, chunkBytes };
}

/**
 * The root of a volume. Only its layout is checked. Rejects with `NOT_FOUND` if there is no root, with `CORRUPT` if the object is not
 * one, and with `UNSUPPORTED` if its layout or version is unknown.
 */
async function findRoot(store: ObjectStore, prefix: string) {
  const { readWhole } = await import('@blockyard/object-store');
  const volumeRoot: typeof import('@blockyard/volume-root') = await import('@blockyard/volume-root');
  volumeRoot.checkPrefix(prefix, LONGEST_KEY_BYTES);
  const key = rootKeyOf(prefix);
  const found = await readWhole(store, key, ROOT_BYTES_MAX);
  if (found === undefined) throw new BlockError('NOT_FOUND', `no volume here: ${store.urlOf(key)} does not exist`);
  const { layout: name, fields } = volumeRoot.parseRoot(found.bytes, store.urlOf(key));
  const layout = LAYOUTS.find((each) => each === name);
  if (layout !== undefined) return { layout, fields };
  throw new BlockError('UNSUPPORTED', `${store.urlOf(key)}: layout ${JSON.stringify(name)} is not known`);
}

/** Why a volume of chunks cannot do what a log can. */
export function noPast(where: string): BlockError {
  const what = `${where} is a volume of chunks, which has no past: snapshots, clones and URI@MOMENT are for layout log`;
  return new BlockError('UNSUPPORTED', what);
}
