import { BlockError } from '@blockyard/block';

const MAX_KEY_BYTES = 1024;
const MAX_STAMP_LENGTH = 1024;

/** The order of keys in listings: that of their bytes in UTF-8. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A key is not empty, and has at most 1,024 bytes in UTF-8. `INVALID_ARGUMENT` otherwise. */
export function checkKey(key: string): void {
  const lengthBytes = Buffer.byteLength(key);
  if (lengthBytes > 0 && lengthBytes <= MAX_KEY_BYTES) return;
  throw new BlockError('INVALID_ARGUMENT', `a key has from 1 to ${MAX_KEY_BYTES} bytes, not ${lengthBytes}`);
}

/** What every store can keep beside an object; see {@link ObjectStore.put}. `INVALID_ARGUMENT` otherwise. */
export function checkStamp(stamp: string): void {
  if (stamp.length <= MAX_STAMP_LENGTH && /^([!-~]([ -~]*[!-~])?)?$/.test(stamp)) return;
  throw new BlockError(
    'INVALID_ARGUMENT',
    `a stamp is up to ${MAX_STAMP_LENGTH} printable ASCII characters, no space at either end`,
  );
}
