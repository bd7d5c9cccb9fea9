import { createDecipheriv, createHash, createHmac, hkdfSync, scryptSync } from 'node:crypto';
import { crcOf, fixed } from './numbers.js';
import type { Root } from './root.js';

const VOLUME_KEY = 'blockyard volume key';

/** What an object is, for what it is bound to. */
export interface Identity {
  readonly volumeId: string;
  readonly kind: 1 | 2;
  /** An object id, or a generation. */
  readonly number: number;
  readonly part: number;
  readonly epoch: number;
}

export function identityBytes({ volumeId, kind, number, part, epoch }: Identity): Buffer {
  return Buffer.concat([Buffer.from(volumeId, 'hex'), fixed([kind, 1], [number, 8], [part, 4], [epoch, 4])]);
}

/** Opens data with the trailer behind them: checks it, and decrypts where there is a key. */
export function openTrailed(
  sealed: Uint8Array,
  identity: Identity,
  { place, position }: { readonly place: number; readonly position: number },
  { key, opening }: { readonly key: Buffer | undefined; readonly opening: string },
): Uint8Array {
  const id = identityBytes(identity);
  const data = sealed.subarray(0, -16);
  const trailer = Buffer.from(sealed.subarray(-16));
  if (key === undefined) {
    const crc = crcOf(id, fixed([position, 8], [place, 4]), data);
    if (!trailer.equals(fixed([position, 8], [crc, 4], [place, 4]))) throw new Error('a trailer does not fit');
    return data;
  }
  const own = Buffer.from(hkdfSync('sha256', key, Buffer.from(opening, 'hex'), id, 32));
  const decipher = createDecipheriv('aes-256-gcm', own, fixed([place, 8], [0, 4]));
  decipher.setAAD(Buffer.concat([id, fixed([place, 8], [position, 8])]));
  decipher.setAuthTag(trailer);
  return Buffer.concat([decipher.update(data), decipher.final()]);
}

/** The key of the volume, by a passphrase or a raw key; undefined if it is not encrypted. */
export function volumeKeyOf({ encryption }: Root, secret: string | Uint8Array): Buffer | undefined {
  if (encryption === null) return undefined;
  const { kdf, kdfCost } = encryption;
  const [salt, nonce, wrapped] = [encryption.kdfSalt, encryption.wrapNonce, encryption.wrappedKey].map((text) =>
    Buffer.from(text, 'base64'),
  ) as [Buffer, Buffer, Buffer];
  const wrapping =
    typeof secret === 'string' && kdf === 'scrypt'
      ? scryptSync(Buffer.from(secret.normalize('NFC')), salt, 32, { N: kdfCost, r: 8, p: 1, maxmem: 2 ** 30 })
      : Buffer.from(hkdfSync('sha256', Buffer.from(secret), salt, VOLUME_KEY, 32));
  const decipher = createDecipheriv('aes-256-gcm', wrapping, nonce);
  decipher.setAAD(Buffer.from(VOLUME_KEY));
  decipher.setAuthTag(wrapped.subarray(-16));
  return Buffer.concat([decipher.update(wrapped.subarray(0, -16)), decipher.final()]);
}

/** What the field `check` must be. */
export function checkOf({ check: _, ...others }: Root, key: Buffer | undefined): string {
  const text = JSON.stringify(others);
  if (key === undefined) return createHash('sha256').update(text).digest('hex');
  const own = Buffer.from(hkdfSync('sha256', key, '', 'blockyard root', 32));
  return createHmac('sha256', own).update(text).digest('hex');
}
