import { createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { type Identity, INDEX_PLACE, openBlob, type Sealer, sealBlob, TRAILER_BYTES } from '../format/sealing.js';
import { EncryptedSealing } from './encrypted-sealing.js';

const volumeKey = randomBytes(32);
const openings = ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210'] as const;
const identity: Identity = {
  volumeId: '00112233445566778899aabbccddeeff',
  kind: 'data',
  number: 2 ** 39 + 4,
  part: 0,
  epoch: 3,
};
const otherVolumeId = 'ff112233445566778899aabbccddeeff';
const where = 'memory:disk/log/1';
/** A sector of more than 2^32 before it. */
const POSITION = 2 ** 33 + 5;

let sealing: EncryptedSealing;
beforeEach(() => {
  sealing = sealingOf(volumeKey, openings[0]);
});

function sealingOf(key: Uint8Array, opening: string): EncryptedSealing {
  const made = new EncryptedSealing(key);
  for (const volumeId of [identity.volumeId, otherVolumeId]) {
    for (const epoch of [3, 4]) made.addEpoch(volumeId, epoch, opening);
  }
  return made;
}

function sealed(sealer: Sealer, plain: Uint8Array, place = 7, position = POSITION) {
  const data = new Uint8Array(plain);
  const trailer = new Uint8Array(TRAILER_BYTES);
  sealer.seal(place, position, data, trailer);
  return { data, trailer };
}

test('a slot is as the format says, and opens again', () => {
  const plain = randomBytes(512);
  const { data, trailer } = sealed(sealing.sealerOf(identity), plain);
  // Written once more from the description.
  const info = Buffer.alloc(33);
  info.write(identity.volumeId, 0, 'hex');
  info[16] = 1;
  info.writeBigUInt64LE(2n ** 39n + 4n, 17);
  info.writeUInt32LE(0, 25);
  info.writeUInt32LE(3, 29);
  const key = Buffer.from(hkdfSync('sha256', volumeKey, Buffer.from(openings[0], 'hex'), info, 32));
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64LE(7n);
  const numbers = Buffer.alloc(16);
  numbers.writeBigUInt64LE(7n, 0);
  numbers.writeBigUInt64LE(BigInt(POSITION), 8);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAAD(Buffer.concat([info, numbers]));
  decipher.setAuthTag(trailer);
  expect(Buffer.concat([decipher.update(data), decipher.final()])).toEqual(plain);
  sealing.sealerOf(identity).open(7, POSITION, data, trailer, where);
  expect(data).toEqual(new Uint8Array(plain));
});

test('what was sealed in another place, for another sector, or as another object is found', () => {
  const plain = randomBytes(512);
  const opens = (by: EncryptedSealing, as: Identity, place: number, position: number) => {
    const { data, trailer } = sealed(sealing.sealerOf(identity), plain);
    const stored = new Uint8Array(data);
    try {
      by.sealerOf(as).open(place, position, data, trailer, where);
    } catch (error) {
      expect(error).toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(where) });
      // Nothing of it was given.
      expect(data).toEqual(stored);
      return false;
    }
    return true;
  };
  expect(opens(sealing, identity, 7, POSITION)).toBe(true);
  expect(opens(sealing, identity, 8, POSITION)).toBe(false);
  expect(opens(sealing, identity, INDEX_PLACE, POSITION)).toBe(false);
  expect(opens(sealing, identity, 7, POSITION - 2 ** 33)).toBe(false);
  const others: Partial<Identity>[] = [
    { volumeId: otherVolumeId },
    { kind: 'map' },
    { number: identity.number + 2 },
    { number: identity.number - 2 ** 39 },
    { part: 1 },
    { epoch: 4 },
  ];
  for (const other of others)
    expect(opens(sealing, { ...identity, ...other }, 7, POSITION), JSON.stringify(other)).toBe(false);
  expect(opens(sealingOf(volumeKey, openings[1]), identity, 7, POSITION)).toBe(false);
  expect(opens(sealingOf(randomBytes(32), openings[0]), identity, 7, POSITION)).toBe(false);
});

test('every bit that changes in a slot or a blob is found, and every end that is missing', () => {
  const sealer = sealing.sealerOf(identity);
  for (const lengthBytes of [0, 1, 37]) {
    const plain = randomBytes(lengthBytes);
    const blob = sealBlob(sealer, INDEX_PLACE, plain);
    expect(blob.byteLength).toBe(lengthBytes + TRAILER_BYTES);
    expect(openBlob(sealer, INDEX_PLACE, new Uint8Array(blob), where)).toEqual(new Uint8Array(plain));
    for (let bit = 0; bit < blob.byteLength * 8; bit++) {
      const changed = new Uint8Array(blob);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openBlob(sealer, INDEX_PLACE, changed, where)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
    }
    for (let end = 0; end < blob.byteLength; end++) {
      const cut = new Uint8Array(blob.subarray(0, end));
      expect(() => openBlob(sealer, INDEX_PLACE, cut, where)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
    }
  }
});

test('equal sectors do not look alike, nor do they from one epoch to the next', () => {
  const plain = new Uint8Array(512);
  const seen = new Set<string>();
  for (const epoch of [3, 4]) {
    const sealer = sealing.sealerOf({ ...identity, epoch });
    for (const place of [0, 1, 2]) seen.add(Buffer.from(sealed(sealer, plain, place).data).toString('hex'));
  }
  expect(seen.size).toBe(6);
});

test('an epoch has one opening, and what is of no known epoch is not opened', () => {
  sealing.addEpoch(identity.volumeId, 3, openings[0]);
  const corrupt = expect.objectContaining({ code: 'CORRUPT' });
  expect(() => sealing.addEpoch(identity.volumeId, 3, openings[1])).toThrow(corrupt);
  expect(() => sealing.sealerOf({ ...identity, epoch: 5 })).toThrow(corrupt);
});

test('objects beyond those whose keys are kept open as well', () => {
  const plain = randomBytes(16);
  const first = sealed(sealing.sealerOf(identity), plain);
  const sealer = sealing.sealerOf(identity);
  for (let number = 1; number <= 4096; number++) sealing.sealerOf({ ...identity, number });
  const again = sealing.sealerOf(identity);
  expect(again).not.toBe(sealer);
  expect(sealing.sealerOf(identity)).toBe(again);
  again.open(7, POSITION, first.data, first.trailer, where);
  expect(first.data).toEqual(new Uint8Array(plain));
});
