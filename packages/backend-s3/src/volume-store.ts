import { BlockError } from '@blockyard/block';
import type { ObjectStore, ProbeOptions, StoreAbilities } from '@blockyard/object-store';
import { openS3Store, type S3ObjectStore } from '@blockyard/object-store-s3';
import { type Keys, keysOf } from './layout/keys.js';
import type { StoreSettings } from './options.js';

/** `s3://bucket/prefix`, or less of it if the options have less. */
export function nameOf(options: { readonly bucket?: unknown; readonly prefix?: unknown } | undefined): string {
  const { bucket, prefix } = options ?? {};
  if (typeof bucket !== 'string') return 's3:';
  return typeof prefix === 'string' ? `s3://${bucket}/${prefix}` : `s3://${bucket}`;
}

/** The store that a volume is in. `close` it in the end. */
export function openVolumeStore(
  settings: StoreSettings,
  concurrency: { readonly minConcurrency: number; readonly maxConcurrency: number },
): S3ObjectStore {
  const { dataPrefix, probePrefix, root } = keysOf(settings.prefix);
  const isData = (key: string) => key.startsWith(dataPrefix);
  const classOf = (key: string) => {
    if (isData(key)) return 'data';
    if (key === root) return 'root';
    return key.startsWith(probePrefix) ? 'probe' : 'other';
  };
  return openS3Store({ ...settings.connection, ...concurrency, name: nameOf(settings), isData, classOf });
}

/**
 * Finds out whether a volume can live on the store. `UNSUPPORTED` for one that ignores conditions, unless `allowUnsafeStore`:
 * two writers would overwrite each other unseen.
 */
export async function probeStore(
  store: ObjectStore,
  keys: Keys,
  { allowUnsafeStore }: Pick<StoreSettings, 'allowUnsafeStore'>,
  whileScratchExists?: ProbeOptions['whileScratchExists'],
): Promise<StoreAbilities> {
  const abilities = await store.probe({ scratchPrefix: keys.probePrefix, inOrder: true, whileScratchExists });
  if (abilities.conditionalPuts || allowUnsafeStore) return abilities;
  const reason = abilities.refusal === undefined ? '' : ` (${abilities.refusal.message})`;
  throw new BlockError(
    'UNSUPPORTED',
    `${store.urlOf(keys.root)}: the store does not honour conditional writes${reason}, so a second writer would not be noticed; allowUnsafeStore goes on all the same`,
  );
}
