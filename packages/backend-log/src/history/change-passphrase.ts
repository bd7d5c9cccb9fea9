import { BlockError, checkOptionNames, type KnownOptions } from '@blockyard/block';
import { changeRoot } from '@blockyard/volume-root';
import type { Secret } from '../encryption/volume-key.js';
import { checkPlaceOptions, type LogPlace } from '../volume/options.js';
import { findVolume, nameOf } from '../volume/volume-place.js';

const KNOWN_SECRET: KnownOptions<Secret> = { passphrase: true, key: true };

/**
 * Changes what an encrypted volume opens with, to another passphrase or raw key. The root is rewritten and nothing else, beside
 * a process that has the volume open; that process goes on. The old secret does not open the volume from then on.
 *
 * The volume's key stays as it is. Someone who had the old secret and kept a copy of the old root has that key, and can still
 * read what the store gives them: against that only a copy to a new volume helps. Clones keep the secret that they had.
 *
 * Rejects with `ACCESS_DENIED` if `place` does not have the secret of now; `INVALID_ARGUMENT` if the volume is not encrypted, or
 * if the new secret is not one; `NOT_FOUND`, `CORRUPT`, `UNSUPPORTED`; and what the store fails with: then the change may have
 * been made.
 */
export async function changePassphrase(place: LogPlace, secret: Secret): Promise<void> {
  const checked = checkPlaceOptions(place);
  checkOptionNames(secret, KNOWN_SECRET);
  const { store, prefix } = checked;
  const next = checkPlaceOptions({ ...secret, store, prefix });
  try {
    await change(checked, next);
  } catch (error) {
    throw BlockError.from(error, { device: nameOf(checked) });
  }
}

async function change(from: LogPlace, to: Secret): Promise<void> {
  const { volumeKey, found, place } = await findVolume(from);
  const { encryption } = found.root;
  if (volumeKey === undefined || encryption === null) {
    throw new BlockError('INVALID_ARGUMENT', 'the volume is not encrypted, which is fixed when it is created');
  }
  const revision = encryption.revision + 1;
  const rewrapped = await volumeKey.wrap(to, revision);
  await changeRoot(place, (root) => {
    if (root.encryption?.revision !== encryption.revision) {
      throw new BlockError('ACCESS_DENIED', 'the passphrase was changed meanwhile');
    }
    return { ...root, encryption: rewrapped };
  });
}
