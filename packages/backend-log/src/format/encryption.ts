import { BlockError } from '@blockyard/block';
import { checkRootName, type RootFields, within } from '@blockyard/volume-root';

/** How sectors, indexes and the map are encrypted. */
export const CIPHER = 'aes-256-gcm';

/** Bounds of scrypt's cost N: below it guessing is cheap, and above it a root that someone altered would take all memory. */
export const SCRYPT_COST_MIN = 2 ** 15;
export const SCRYPT_COST_MAX = 2 ** 20;
/** A key that is given as it is costs nothing to make. */
export const RAW_COST = 1;

export const KDF_SALT_BYTES = 32;
export const WRAP_NONCE_BYTES = 12;
/** Of the volume's key, and the tag behind it. */
export const WRAPPED_KEY_BYTES = 32 + 16;

/**
 * How the volume's key is kept in the root: encrypted under a key that is made of a passphrase, or of a raw key. Byte strings
 * are base64. See `encryption/volume-key.ts` for what is made of what.
 */
export interface Encryption {
  readonly cipher: typeof CIPHER;
  readonly kdf: 'scrypt' | 'raw';
  /** 32 bytes, random with each wrapping. */
  readonly kdfSalt: string;
  /** scrypt's N, a power of two; 1 for a raw key. Its r is 8 and its p is 1. */
  readonly kdfCost: number;
  /** 12 bytes, random with each wrapping. */
  readonly wrapNonce: string;
  /** 48 bytes: the volume's key, encrypted, and the tag. */
  readonly wrappedKey: string;
  /** 1, and one more with each change of the passphrase. Of two wrappings the one that has more holds. */
  readonly revision: number;
}

/** What a root says of encryption. Throws `CORRUPT`, or `UNSUPPORTED` for what a later version may know. */
export function checkEncryption(value: unknown, where: string): Encryption | null {
  if (value === null) return null;
  const fields = within(where, () => fieldsOf(value));
  checkRootName(fields, 'cipher', CIPHER, where);
  const { kdf } = fields;
  if (kdf !== 'raw') checkRootName(fields, 'kdf', 'scrypt', where);
  return within(where, () => ({
    cipher: CIPHER,
    kdf: kdf === 'raw' ? 'raw' : 'scrypt',
    kdfSalt: base64(fields.kdfSalt, 'kdfSalt', KDF_SALT_BYTES),
    kdfCost: costOf(fields.kdfCost, kdf === 'raw'),
    wrapNonce: base64(fields.wrapNonce, 'wrapNonce', WRAP_NONCE_BYTES),
    wrappedKey: base64(fields.wrappedKey, 'wrappedKey', WRAPPED_KEY_BYTES),
    revision: integer(fields.revision, 'revision', 1, Number.MAX_SAFE_INTEGER),
  }));
}

/**
 * The wrapping that holds, of the one that a process knows and the one that it finds. That with fewer changes is an earlier one
 * that came back with an earlier root, and the passphrase of then must not open the volume of now.
 */
export function laterEncryption(mine: Encryption | null, found: Encryption | null): Encryption | null {
  return mine !== null && found !== null && found.revision > mine.revision ? found : mine;
}

function costOf(value: unknown, isRaw: boolean): number {
  if (isRaw) return integer(value, 'kdfCost', RAW_COST, RAW_COST);
  const cost = integer(value, 'kdfCost', SCRYPT_COST_MIN, SCRYPT_COST_MAX);
  if (!Number.isInteger(Math.log2(cost))) throw wrong('kdfCost', value);
  return cost;
}

function fieldsOf(value: unknown): RootFields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('encryption', value);
  return value as RootFields;
}

function integer(value: unknown, name: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw wrong(name, value);
}

function base64(value: unknown, name: string, lengthBytes: number): string {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
  if (typeof value !== 'string' || bytes?.byteLength !== lengthBytes || bytes.toString('base64') !== value) {
    throw new BlockError('CORRUPT', `${name} is not ${lengthBytes} bytes in base64`);
  }
  return value;
}

function wrong(name: string, value: unknown): BlockError {
  return new BlockError('CORRUPT', `${name} is ${JSON.stringify(value) ?? 'missing'}`);
}
