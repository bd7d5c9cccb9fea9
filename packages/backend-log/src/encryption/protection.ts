import { BlockError } from '@blockyard/block';
import type { RootDigest } from '@blockyard/volume-root';
import { checksums } from '../format/checksums.js';
import type { Encryption } from '../format/encryption.js';
import type { Sealing } from '../format/sealing.js';
import { isGiven, type Secret, VolumeKey } from './volume-key.js';

/**
 * How the objects and the root of a volume are protected.
 *
 * Of an encrypted volume the store learns its size, the names, sizes and times of its objects, who has it open, the names of
 * its snapshots, and which bytes are asked for. Heads, feet and fences of segments are not encrypted, and have no more than
 * that. Someone who can write to the store can still
 *
 * - delete objects, or not give them: `CORRUPT`, but for the next point;
 * - cut off the end of the log, by a fence of their own or by not giving what follows: segments that come after the last
 *   checkpoint, and are of an epoch whose end the root does not have. What was flushed in them is then lost without a sign, but
 *   never in the middle: what is left is the result of a prefix of the writes. After a clean end nothing can be cut off;
 * - put a fence where the writer goes on: that one stops with `FENCED`, and its flushes fail;
 * - put back the root, and with it all that it reaches, to an earlier version that was whole, with the passphrase of then.
 *   A writer that has the volume open notices: it puts its own root back, or stops with `FENCED`;
 * - alter the time in a segment's head, by which `atMs` finds its place in the log;
 * - show a clone in place of its parent or the other way round, as they have one key.
 *
 * All else is found when it is read: bits that were changed, and parts or objects in the place of others, of the same volume,
 * another epoch, an earlier version of the volume, or a clone.
 */
export interface Protection {
  readonly sealing: Sealing;
  /** Undefined: the root has a plain checksum. */
  readonly digest: RootDigest | undefined;
  /** Undefined: the volume is not encrypted. */
  readonly key: VolumeKey | undefined;
}

/**
 * Protection of a volume whose root was found. `known`: its key, if it was opened before, for which no secret is needed. The
 * root's check tells then whether it is still the same volume.
 *
 * `ACCESS_DENIED` if the volume is encrypted and the secret is missing or wrong, `INVALID_ARGUMENT` if it is not and there is
 * one: so an encrypted volume cannot be replaced by one that is not.
 */
export async function openProtection(
  encryption: Encryption | null,
  secret: Secret,
  where: string,
  known?: VolumeKey,
): Promise<Protection> {
  if (encryption === null) {
    if (isGiven(secret)) throw new BlockError('INVALID_ARGUMENT', `${where}: the volume is not encrypted`);
    return { sealing: checksums, digest: undefined, key: undefined };
  }
  const key = known ?? (await VolumeKey.unwrap(encryption, secret, where));
  return { sealing: key.sealing(), digest: key.digest, key };
}

/**
 * Protection of a new volume: encrypted under a new key if there is a secret. A clone has the key of its parent, and begins with
 * the parent's wrapping of it.
 */
export async function createProtection(
  secret: Secret,
): Promise<Pick<Protection, 'digest'> & { readonly encryption: Encryption | null }> {
  if (!isGiven(secret)) return { encryption: null, digest: undefined };
  const key = VolumeKey.create();
  return { encryption: await key.wrap(secret, 1), digest: key.digest };
}
