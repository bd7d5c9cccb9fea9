import type { UriDevice } from '@blockyard/uri';

/** What tells a device from another that has come in its place; undefined where nothing does. */
export function identityOf({ volumeId, fileId }: Pick<UriDevice, 'volumeId' | 'fileId'>): string | undefined {
  return volumeId ?? fileId;
}

export const REPLACED = 'was replaced: it is not what clients have';
