import { BlockError, isBlockError, type ListedDevice } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import { listedSchemes, schemeOf } from '../schemes/all.js';
import { findLayout } from '../schemes/find-layout.js';
import type { Layout } from '../schemes/layout.js';
import type { StorePlace } from '../schemes/scheme.js';
import { isSecret } from '../schemes/secret.js';
import { DeviceUri } from '../syntax/device-uri.js';
import { inspectAt, type UriVolumeSummary } from './inspect.js';
import { presentUri, withStore } from './volume-uri.js';

/** A volume that was found in a store. */
export interface ListedVolume {
  /** What its keys begin with. */
  readonly prefix: string;
  /** As it is named in messages. */
  readonly name: string;
  /** What its root says, also where nothing else can be told. Undefined: it says none that is known. */
  readonly layout: Layout | undefined;
  /** Bytes of its objects, whatever they hold. */
  readonly storedBytes: number;
  /** What it is, or why that cannot be told: it is damaged, of a later version, or encrypted. */
  readonly found: UriVolumeSummary | BlockError;
}

/** A key of data of either layout, or of a log's map: what stands before it is the prefix of a volume. */
const DATA_KEY = /^(.+)\/(?:data|log|pack|map)\/[0-9a-f-]+$/;
const ROOT_KEY = /^(.+)\/volume\.json$/;

/**
 * The volumes under a prefix, the one at it included, in order of their prefixes. Lists all objects there, a thousand with each
 * request, then looks at each volume, beside a process that has it open. Of a scheme of someone else's what that one lists.
 *
 * Rejects with `UNSUPPORTED` for a scheme that lists nothing, and as the store or the scheme does.
 */
export async function listUri(text: string): Promise<(ListedVolume | ListedDevice)[]> {
  const uri = new DeviceUri(text);
  const { volumes, list } = await schemeOf(uri);
  if (volumes !== undefined) return withStore(await presentUri(text), (place) => listAt(place), { isListing: true });
  if (list === undefined) {
    throw new BlockError(
      'UNSUPPORTED',
      `${uri.scheme}: lists no devices; those that do are ${listedSchemes().join(', ')}`,
    );
  }
  try {
    return [...(await list(uri))];
  } catch (error) {
    throw BlockError.from(error, {});
  }
}

async function listAt(place: StorePlace): Promise<ListedVolume[]> {
  const { store } = place;
  const { roots, dataBytes } = await findRoots(place);
  const volumes: ListedVolume[] = [];
  // One after the other: a handle knows the dates of one object at a time, and by them who is alive.
  for (const [prefix, rootBytes] of [...roots].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const found = await inspectListed({ ...place, prefix }).catch(unreadable);
    // Deleted meanwhile.
    if (isBlockError(found, 'NOT_FOUND')) continue;
    const layout = isBlockError(found) ? await findLayout(store, prefix).catch(() => undefined) : found.layout;
    const storedBytes = rootBytes + (dataBytes.get(prefix) ?? 0);
    volumes.push({ prefix, name: store.urlOf(prefix), layout, storedBytes, found });
  }
  return volumes;
}

/** A secret is for those that are encrypted. */
async function inspectListed(place: StorePlace): Promise<UriVolumeSummary> {
  if (!isSecret(place.secret)) return inspectAt(place);
  return inspectAt(place).catch((error: unknown) => {
    if (isBlockError(error, 'INVALID_ARGUMENT')) return inspectAt({ ...place, secret: {} });
    throw error;
  });
}

/** What says something of one volume is its answer; what says something of the store ends the listing. */
function unreadable(error: unknown): BlockError {
  const codes = ['NOT_FOUND', 'CORRUPT', 'UNSUPPORTED', 'ACCESS_DENIED'] as const;
  if (isBlockError(error) && codes.some((code) => error.code === code)) return error;
  throw error;
}

interface FoundRoots {
  /** Bytes of each root, by the prefix of its volume. */
  readonly roots: ReadonlyMap<string, number>;
  /** Bytes of what is stored beside a root, or where one would be. */
  readonly dataBytes: ReadonlyMap<string, number>;
}

async function findRoots({
  store,
  prefix,
}: {
  readonly store: ObjectStore;
  readonly prefix: string;
}): Promise<FoundRoots> {
  const roots = new Map<string, number>();
  const dataBytes = new Map<string, number>();
  for await (const objects of store.list(prefix === '' ? '' : `${prefix}/`)) {
    for (const { key, sizeBytes } of objects) {
      const [, volume] = ROOT_KEY.exec(key) ?? [];
      if (volume !== undefined) roots.set(volume, sizeBytes);
      const [, owner] = DATA_KEY.exec(key) ?? [];
      if (owner !== undefined) dataBytes.set(owner, (dataBytes.get(owner) ?? 0) + sizeBytes);
    }
  }
  return { roots, dataBytes };
}
