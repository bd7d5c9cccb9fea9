import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkEncryption, type Encryption, laterEncryption } from '../format/encryption.js';
import { VolumeKey } from './volume-key.js';

const raw = { key: randomBytes(32) };
const other = { key: randomBytes(32) };
const passphrase = { passphrase: 'corre\u0301ct horse' };

test('a key that was wrapped by a passphrase is unwrapped by it, however its accents are composed, and by no other', async () => {
  const key = VolumeKey.create();
  const encryption = await key.wrap(passphrase, 1);
  expect(encryption).toMatchObject({ cipher: 'aes-256-gcm', kdf: 'scrypt', kdfCost: 2 ** 17, revision: 1 });
  const composed = await VolumeKey.unwrap(encryption, { passphrase: 'corr\u00e9ct horse' }, 'here');
  expect(composed.digest('text')).toBe(key.digest('text'));
  await expect(VolumeKey.unwrap(encryption, { passphrase: 'correct horse' }, 'here')).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringContaining('here: the passphrase is not that of this volume'),
  });
  await expect(VolumeKey.unwrap(encryption, raw, 'here')).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringContaining('opens with a passphrase'),
  });
});

test('a key that was wrapped by a raw key is unwrapped by it, and by no other', async () => {
  const key = VolumeKey.create();
  const encryption = await key.wrap(raw, 7);
  expect(encryption).toMatchObject({ kdf: 'raw', kdfCost: 1, revision: 7 });
  const unwrapped = await VolumeKey.unwrap(encryption, raw, 'here');
  expect(unwrapped.digest('text')).toBe(key.digest('text'));
  for (const secret of [other, passphrase, {}]) {
    await expect(VolumeKey.unwrap(encryption, secret, 'here')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  }
});

test('each volume has a key of its own, and each wrapping other bytes', async () => {
  expect(VolumeKey.create().digest('text')).not.toBe(VolumeKey.create().digest('text'));
  const key = VolumeKey.create();
  const [a, b] = [await key.wrap(raw, 1), await key.wrap(raw, 1)];
  for (const name of ['kdfSalt', 'wrapNonce', 'wrappedKey'] as const) expect(a[name]).not.toBe(b[name]);
});

test('a wrapping of which a bit was changed is not unwrapped', async () => {
  const encryption = await VolumeKey.create().wrap(raw, 1);
  for (const name of ['kdfSalt', 'wrapNonce', 'wrappedKey'] as const) {
    const bytes = Buffer.from(encryption[name], 'base64');
    for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const damaged = { ...encryption, [name]: changed.toString('base64') };
      await expect(VolumeKey.unwrap(damaged, raw, 'here')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    }
  }
});

test('what a root says of encryption is checked: a cost that takes all memory, or next to none, is not tried', async () => {
  const encryption = await VolumeKey.create().wrap(passphrase, 1);
  expect(checkEncryption(encryption, 'here')).toEqual(encryption);
  expect(checkEncryption(null, 'here')).toBeNull();
  const codeOf = (fields: unknown) => {
    try {
      checkEncryption(fields, 'here');
      return undefined;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  for (const kdfCost of [2 ** 14, 2 ** 21, 2 ** 15 + 1, 0, -1, 1.5, '131072', undefined]) {
    expect(codeOf({ ...encryption, kdfCost }), `cost ${kdfCost}`).toBe('CORRUPT');
  }
  expect(codeOf({ ...encryption, kdfCost: 2 ** 15 })).toBeUndefined();
  expect(codeOf({ ...encryption, kdf: 'raw' })).toBe('CORRUPT');
  expect(codeOf({ ...encryption, kdf: 'argon2id' })).toBe('UNSUPPORTED');
  expect(codeOf({ ...encryption, cipher: 'aes-256-xts' })).toBe('UNSUPPORTED');
  expect(codeOf({ ...encryption, kdf: 3 })).toBe('CORRUPT');
  expect(codeOf({ ...encryption, wrappedKey: encryption.wrapNonce })).toBe('CORRUPT');
  expect(codeOf({ ...encryption, kdfSalt: `${encryption.kdfSalt}\n` })).toBe('CORRUPT');
  expect(codeOf({ ...encryption, revision: 0 })).toBe('CORRUPT');
  for (const value of [undefined, 'aes', [], 1]) expect(codeOf(value)).toBe('CORRUPT');
});

test('of two wrappings the one with more changes holds', () => {
  const at = (revision: number) => ({ revision }) as Encryption;
  const [one, two] = [at(1), at(2)];
  expect(laterEncryption(one, two)).toBe(two);
  expect(laterEncryption(two, one)).toBe(two);
  expect(laterEncryption(one, null)).toBe(one);
  expect(laterEncryption(null, one)).toBeNull();
});
