import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { BlockError } from '@blockyard/block';
import type { RootDigest } from '@blockyard/volume-root';
import {
  CIPHER,
  type Encryption,
  KDF_SALT_BYTES,
  RAW_COST,
  WRAP_NONCE_BYTES,
  WRAPPED_KEY_BYTES,
} from '../format/encryption.js';
import type { Sealing } from '../format/sealing.js';
import { EncryptedSealing } from './encrypted-sealing.js';

/** What a caller has to open an encrypted volume, or to protect one with. */
export interface Secret {
  readonly passphrase?: string;
  /** 32 bytes. */
  readonly key?: Uint8Array;
}

/** A secret that is there. */
type Given =
  | { readonly kdf: 'scrypt'; readonly passphrase: string }
  | { readonly kdf: 'raw'; readonly key: Uint8Array };

const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** scrypt's N for new wrappings: 128 MiB, and some tenths of a second, for each guess. */
const SCRYPT_COST = 2 ** 17;
const SCRYPT_BLOCKS = 8;
/** What scrypt takes for each unit of cost. */
const SCRYPT_BYTES = 128 * SCRYPT_BLOCKS;
const WRAP_LABEL = 'blockyard volume key';
const ROOT_LABEL = 'blockyard root';

/**
 * The key of an encrypted volume, and of its clones: 32 random bytes, made with the volume and never changed. The root keeps it
 * wrapped:
 *
 * - A wrapping key is made of what the caller has and `kdfSalt`. Of a passphrase: scrypt(N = `kdfCost`, r = 8, p = 1) of its
 *   Unicode normalization form C in UTF-8, 32 bytes. Of a raw key: HKDF-SHA-256 with `blockyard volume key` as info, 32 bytes.
 * - `wrappedKey` is the volume's key under AES-256-GCM with that key, `wrapNonce`, and `blockyard volume key` as associated
 *   data; its tag of 16 bytes follows.
 *
 * Salt and nonce are random with each wrapping, so no two wrappings have a key in common.
 *
 * The root's check is HMAC-SHA-256, in hexadecimal digits, of the text that the plain check is the SHA-256 of. Its key is
 * HKDF-SHA-256 of the volume's key without salt (which is 32 zero bytes to HMAC) with `blockyard root` as info, 32 bytes.
 */
export class VolumeKey {
  readonly #key: Buffer;
  /** The root's check. */
  readonly digest: RootDigest;

  private constructor(key: Buffer) {
    this.#key = key;
    const rootKey = Buffer.from(hkdfSync('sha256', key, '', ROOT_LABEL, KEY_BYTES));
    this.digest = (text) => createHmac('sha256', rootKey).update(text).digest('hex');
  }

  static create(): VolumeKey {
    return new VolumeKey(randomBytes(KEY_BYTES));
  }

  /** `ACCESS_DENIED` if the secret is missing, or not the one that the key was wrapped by. */
  static async unwrap(encryption: Encryption, secret: Secret, where: string): Promise<VolumeKey> {
    const given = givenFor(encryption, secret, where);
    const wrappingKey = await wrappingKeyOf(given, encryption);
    const nonce = Buffer.from(encryption.wrapNonce, 'base64');
    const wrapped = Buffer.from(encryption.wrappedKey, 'base64');
    const decipher = createDecipheriv(CIPHER, wrappingKey, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(WRAP_LABEL));
    decipher.setAuthTag(wrapped.subarray(WRAPPED_KEY_BYTES - TAG_BYTES));
    const key = decipher.update(wrapped.subarray(0, KEY_BYTES));
    try {
      decipher.final();
    } catch {
      const what = given.kdf === 'scrypt' ? 'passphrase' : 'key';
      throw new BlockError('ACCESS_DENIED', `${where}: the ${what} is not that of this volume`);
    }
    return new VolumeKey(key);
  }

  /** What the root is to say. `INVALID_ARGUMENT` if there is no secret. */
  async wrap(secret: Secret, revision: number): Promise<Encryption> {
    const given = givenOf(secret);
    if (given === undefined) throw new BlockError('INVALID_ARGUMENT', 'give either passphrase or key');
    const { kdf } = given;
    const kdfCost = kdf === 'scrypt' ? SCRYPT_COST : RAW_COST;
    const kdfSalt = randomBytes(KDF_SALT_BYTES).toString('base64');
    const nonce = randomBytes(WRAP_NONCE_BYTES);
    const wrappingKey = await wrappingKeyOf(given, { kdfSalt, kdfCost });
    const cipher = createCipheriv(CIPHER, wrappingKey, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(WRAP_LABEL));
    const wrapped = Buffer.concat([cipher.update(this.#key), cipher.final(), cipher.getAuthTag()]);
    const texts = { kdfSalt, wrapNonce: nonce.toString('base64'), wrappedKey: wrapped.toString('base64') };
    return { cipher: CIPHER, kdf, kdfCost, revision, ...texts };
  }

  /** A sealing that knows no epochs yet. */
  sealing(): Sealing {
    return new EncryptedSealing(this.#key);
  }
}

export function isGiven({ passphrase, key }: Secret): boolean {
  return passphrase !== undefined || key !== undefined;
}

function givenOf({ passphrase, key }: Secret): Given | undefined {
  if (passphrase !== undefined) return { kdf: 'scrypt', passphrase };
  return key === undefined ? undefined : { kdf: 'raw', key };
}

function givenFor({ kdf }: Encryption, secret: Secret, where: string): Given {
  const given = givenOf(secret);
  if (given?.kdf === kdf) return given;
  const by = kdf === 'scrypt' ? 'a passphrase' : 'a key';
  throw new BlockError('ACCESS_DENIED', `${where}: the volume is encrypted, and opens with ${by}`);
}

async function wrappingKeyOf(
  given: Given,
  { kdfSalt, kdfCost }: Pick<Encryption, 'kdfSalt' | 'kdfCost'>,
): Promise<Buffer> {
  const salt = Buffer.from(kdfSalt, 'base64');
  if (given.kdf === 'raw') return Buffer.from(hkdfSync('sha256', given.key, salt, WRAP_LABEL, KEY_BYTES));
  const passphrase = given.passphrase.normalize('NFC');
  const options = { N: kdfCost, r: SCRYPT_BLOCKS, p: 1, maxmem: 2 * SCRYPT_BYTES * kdfCost };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, KEY_BYTES, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
