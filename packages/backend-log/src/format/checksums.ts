import { crc32 } from 'node:zlib';
import { BlockError } from '@blockyard/block';
import { type Identity, type Sealer, type Sealing, TRAILER_BYTES } from './sealing.js';

const KINDS: Readonly<Record<Identity['kind'], number>> = { data: 1, map: 2, fence: 3 };
const IDENTITY_BYTES = 16 + 1 + 8 + 4 + 4;
const POSITION_AT = 0;
const CHECK_AT = 8;
const PLACE_AT = 12;

/** The bytes of an identity: volume id, kind, number, part, epoch. */
export function encodeIdentity({ volumeId, kind, number, part, epoch }: Identity): Uint8Array {
  const bytes = Buffer.alloc(IDENTITY_BYTES);
  bytes.write(volumeId, 0, 'hex');
  bytes.writeUInt8(KINDS[kind], 16);
  bytes.writeBigUInt64LE(BigInt(number), 17);
  bytes.writeUInt32LE(part, 25);
  bytes.writeUInt32LE(epoch, 29);
  return bytes;
}

/**
 * Seals without encryption. A trailer is the position (8 bytes), a CRC-32 (4) and the place (4), little-endian; the CRC is that
 * of the identity's bytes, these 8 and 4, and the data.
 */
export const checksums: Sealing = {
  sealerOf: (identity) => new ChecksumSealer(identity),
  addEpoch: () => {},
};

class ChecksumSealer implements Sealer {
  readonly isEncrypting = false;
  readonly #seed: number;
  readonly #numbers = new DataView(new ArrayBuffer(12));

  constructor(identity: Identity) {
    this.#seed = crc32(encodeIdentity(identity));
  }

  seal(place: number, position: number, data: Uint8Array, trailer: Uint8Array): void {
    const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_BYTES);
    setPosition(view, POSITION_AT, position);
    view.setUint32(CHECK_AT, this.#checkOf(place, position, data), true);
    view.setUint32(PLACE_AT, place, true);
  }

  open(place: number, position: number, data: Uint8Array, trailer: Uint8Array, where: string): void {
    if (trailer.byteLength !== TRAILER_BYTES) throw new BlockError('CORRUPT', `${where}: ends too early`);
    const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_BYTES);
    const isRight =
      view.getUint32(POSITION_AT, true) === position % 2 ** 32 &&
      view.getUint32(POSITION_AT + 4, true) === Math.floor(position / 2 ** 32) &&
      view.getUint32(PLACE_AT, true) === place &&
      view.getUint32(CHECK_AT, true) === this.#checkOf(place, position, data);
    if (!isRight) throw new BlockError('CORRUPT', `${where}: does not fit its checksum`);
  }

  #checkOf(place: number, position: number, data: Uint8Array): number {
    setPosition(this.#numbers, 0, position);
    this.#numbers.setUint32(8, place, true);
    return crc32(data, crc32(new Uint8Array(this.#numbers.buffer), this.#seed));
  }
}

function setPosition(view: DataView, offset: number, position: number): void {
  view.setUint32(offset, position % 2 ** 32, true);
  view.setUint32(offset + 4, Math.floor(position / 2 ** 32), true);
}
