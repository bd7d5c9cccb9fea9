import { basename, dirname, relative, resolve, sep } from 'node:path';
import { BlockError } from '@blockyard/block';
import { type DeviceUri, decode } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import { localPath } from '../syntax/local-path.js';
import { TIER_PARAMETERS } from '../tier/settings.js';
import { findChecked } from './find-checked.js';
import { layoutIn } from './layout.js';
import { LOG_PARAMETERS, loadLog, logParametersOf, makeLog, openLog } from './log.js';
import type { Scheme, StorePlace } from './scheme.js';
import { readSecret } from './secret.js';
import { sectorsOf } from './sectors.js';

/** The volume of a URI whose path is the directory of a store itself. */
const ONLY_VOLUME = 'volume';
const SECTOR_SIZE = 4096;

/** Log volumes in a store of objects that is a directory of this machine. */
export const dir: Scheme = {
  example: 'dir:/srv/volumes/web-1',
  durability: { write: 'memory', flush: 'local' },
  parameters: [...LOG_PARAMETERS, ...TIER_PARAMETERS],

  async open(uri, options) {
    const path = pathOf(uri);
    const wanted = layoutIn(uri);
    if (wanted !== undefined && wanted !== 'log') throw invalid(`volumes there are of layout log, not ${wanted}`);
    const parameters = await logParametersOf(uri);
    const { store, prefix } = await openAt(path);
    await findChecked(store, prefix, parameters, options);
    return openLog(store, prefix, parameters, options);
  },

  async make(uri, options) {
    if (options.reserve) throw new BlockError('UNSUPPORTED', 'a store reserves no space');
    const path = pathOf(uri);
    // What makes no sense must not leave a store behind.
    sectorsOf(options.sizeBytes, options.sectorSize ?? SECTOR_SIZE);
    const { openDirectoryStore } = await import('@blockyard/object-store/directory');
    const { directory, prefix } = await placeToMake(path);
    const store = await openDirectoryStore({ path: directory, create: true });
    try {
      await makeLog(store, prefix, options);
    } finally {
      store.close();
    }
  },

  volumes: {
    layouts: ['log'],
    async openStore(uri, { isListing = false } = {}) {
      const path = pathOf(uri);
      const secret = await readSecret(uri);
      return { ...(await openAt(path, isListing ? '' : ONLY_VOLUME)), secret };
    },
    async load(uri, { tier }) {
      const parameters = await logParametersOf(uri);
      const { store, prefix } = await openAt(pathOf(uri));
      return loadLog(store, prefix, parameters, tier);
    },
  },
};

function pathOf(uri: DeviceUri): string {
  return resolve(decode(localPath('dir', uri.place)));
}

/** Opens the nearest store at or above a path, and gives what the rest of the path names in it. */
async function openAt(path: string, unnamed = ONLY_VOLUME): Promise<Pick<StorePlace, 'store' | 'prefix' | 'storeId'>> {
  const [{ findDirectoryStore, openDirectoryStore }, { classOfLogKey }] = await Promise.all([
    import('@blockyard/object-store/directory'),
    import('@blockyard/backend-log'),
  ]);
  const directory = await findDirectoryStore(path);
  if (directory === undefined) throw new BlockError('NOT_FOUND', `no volume here: ${path} is in no store of objects`);
  const store = await openDirectoryStore({ path: directory, classOf: classOfLogKey });
  return { store, prefix: prefixIn(directory, path, unnamed), storeId: directory };
}

/**
 * Where a volume is made: in the nearest store. If there is none, in a new one: in the directory above, if that is not there or
 * empty, so that other volumes can lie beside it; or else in a directory of its own.
 */
async function placeToMake(path: string): Promise<{ readonly directory: string; readonly prefix: string }> {
  const { findDirectoryStore, isFreeForStore } = await import('@blockyard/object-store/directory');
  const found = await findDirectoryStore(path);
  if (found !== undefined) return { directory: found, prefix: prefixIn(found, path, ONLY_VOLUME) };
  const above = dirname(path);
  if (above !== path && (await isFreeForStore(above))) return { directory: above, prefix: basename(path) };
  return { directory: path, prefix: ONLY_VOLUME };
}

function prefixIn(directory: string, path: string, unnamed: string): string {
  const rest = relative(directory, path).split(sep).join('/');
  return rest === '' ? unnamed : rest;
}
