import { createCipheriv, createDecipheriv, createHmac, type Hmac } from 'node:crypto';
import { BlockError } from '@blockyard/block';
import { encodeIdentity } from '../format/checksums.js';
import { CIPHER } from '../format/encryption.js';
import { type Identity, type Sealer, type Sealing, TRAILER_BYTES } from '../format/sealing.js';

/** Objects whose keys are kept, some 600 bytes each: a read of a sector is quick where its object was read lately. */
const SEALERS_MAX = 4096;
const NONCE_BYTES = 12;
/** HKDF counts the blocks that it gives from 1. One is all of a key. */
const FIRST_BLOCK = Uint8Array.of(1);

/**
 * Seals with AES-256-GCM. Each object has a key of its own, each part of it a nonce:
 *
 * - Key: HKDF-SHA-256 of the volume's key, 32 bytes. Salt: the 16 bytes of the opening that the object's epoch belongs to. Info:
 *   the 33 bytes of its identity (volume id, kind, number, part, epoch; see `encodeIdentity`).
 * - Nonce: the part's place, 8 bytes little-endian, and 4 zero bytes. The place is the slot's number; 2^24 for the index of a
 *   segment or pack; in a map object the offset of the blob.
 * - Associated data, 49 bytes: the identity, the place (8), the position (8): the sector's number, 0 for a slot that is not in
 *   use; of a blob its length, without the trailer.
 * - The trailer is the tag of 16 bytes.
 *
 * **No key and nonce come together twice.** An opening is random and new with each opening for writing, and one process has it.
 * Within an opening, numbers of segments, packs and checkpoints only ascend, also when storing them has failed; each object is
 * sealed once, before its first attempt, and repeated with the bytes of that; and each part of it has another place. Where an
 * earlier root was put back, the epoch may come again, but the opening does not. What breaks this is a process that is there
 * twice: a virtual machine that was copied, or resumed from an earlier image, with a volume open for writing. Volumes must not
 * be open then.
 */
export class EncryptedSealing implements Sealing {
  readonly #volumeKey: Uint8Array;
  /** By volume and epoch. As many as objects of the volume have. */
  readonly #epochs = new Map<string, { readonly opening: string; readonly extracted: Uint8Array }>();
  /** The one that was asked for last is the last. */
  readonly #sealers = new Map<string, Sealer>();

  constructor(volumeKey: Uint8Array) {
    this.#volumeKey = volumeKey;
  }

  addEpoch(volumeId: string, epoch: number, opening: string): void {
    const name = `${volumeId}/${epoch}`;
    const known = this.#epochs.get(name);
    if (known === undefined) {
      const salt = Buffer.from(opening, 'hex');
      this.#epochs.set(name, { opening, extracted: hmac(salt).update(this.#volumeKey).digest() });
    } else if (known.opening !== opening) {
      throw new BlockError('CORRUPT', `epoch ${epoch} of volume ${volumeId} is said to be of two openings`);
    }
  }

  sealerOf(identity: Identity): Sealer {
    const { volumeId, kind, number, part, epoch } = identity;
    const name = `${number}/${epoch}/${part}/${kind}/${volumeId}`;
    let sealer = this.#sealers.get(name);
    if (sealer === undefined) {
      sealer = this.#newSealer(identity);
      const [oldest] = this.#sealers.size < SEALERS_MAX ? [] : this.#sealers.keys();
      if (oldest !== undefined) this.#sealers.delete(oldest);
    } else {
      this.#sealers.delete(name);
    }
    this.#sealers.set(name, sealer);
    return sealer;
  }

  #newSealer(identity: Identity): Sealer {
    const { volumeId, epoch } = identity;
    const known = this.#epochs.get(`${volumeId}/${epoch}`);
    if (known === undefined) throw new BlockError('CORRUPT', `epoch ${epoch} of volume ${volumeId} has no opening`);
    const info = encodeIdentity(identity);
    // HKDF, of which the first half is the same for all objects of an epoch.
    return new EncryptedSealer(hmac(known.extracted).update(info).update(FIRST_BLOCK).digest(), info);
  }
}

class EncryptedSealer implements Sealer {
  readonly isEncrypting = true;
  readonly #key: Uint8Array;
  readonly #nonce = Buffer.alloc(NONCE_BYTES);
  readonly #associated: Buffer;
  readonly #numbersAt: number;

  constructor(key: Uint8Array, identity: Uint8Array) {
    this.#key = key;
    this.#numbersAt = identity.byteLength;
    this.#associated = Buffer.concat([identity, Buffer.alloc(16)]);
  }

  seal(place: number, position: number, data: Uint8Array, trailer: Uint8Array): void {
    this.#setNumbers(place, position);
    const cipher = createCipheriv(CIPHER, this.#key, this.#nonce, { authTagLength: TRAILER_BYTES });
    cipher.setAAD(this.#associated);
    data.set(cipher.update(data));
    cipher.final();
    trailer.set(cipher.getAuthTag());
  }

  open(place: number, position: number, data: Uint8Array, trailer: Uint8Array, where: string): void {
    if (trailer.byteLength !== TRAILER_BYTES) throw new BlockError('CORRUPT', `${where}: ends too early`);
    this.#setNumbers(place, position);
    const decipher = createDecipheriv(CIPHER, this.#key, this.#nonce, { authTagLength: TRAILER_BYTES });
    decipher.setAAD(this.#associated);
    decipher.setAuthTag(trailer);
    const opened = decipher.update(data);
    try {
      decipher.final();
    } catch {
      throw new BlockError('CORRUPT', `${where}: is not what was stored there`);
    }
    // Not before: what does not fit its tag is no one's to see.
    data.set(opened);
  }

  #setNumbers(place: number, position: number): void {
    setNumber(this.#nonce, 0, place);
    setNumber(this.#associated, this.#numbersAt, place);
    setNumber(this.#associated, this.#numbersAt + 8, position);
  }
}

function hmac(key: Uint8Array): Hmac {
  return createHmac('sha256', key);
}

/** A safe integer, little-endian in 8 bytes. */
function setNumber(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt32LE(value % 2 ** 32, offset);
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), offset + 4);
}
