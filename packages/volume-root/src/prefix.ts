import { BlockError } from '@blockyard/block';

/** Longest key in bytes, that of S3. */
const KEY_BYTES_MAX = 1024;

/**
 * Checks what all keys of a volume begin with; `longestKeyBytes` is what the layout adds to it at most, the slash included.
 * `INVALID_ARGUMENT` for what clients and servers on the way might each read differently: empty, `.` and `..` segments, control
 * characters; and for what leaves no room for the keys.
 */
export function checkPrefix(prefix: unknown, longestKeyBytes: number): asserts prefix is string {
  if (typeof prefix !== 'string' || prefix === '') {
    throw new BlockError(
      'INVALID_ARGUMENT',
      `prefix must be a string that is not empty, not ${JSON.stringify(prefix)}`,
    );
  }
  if (prefix.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new BlockError('INVALID_ARGUMENT', `prefix ${JSON.stringify(prefix)} has an empty, "." or ".." segment`);
  }
  if (/\p{Cc}|\p{Cs}/u.test(prefix)) {
    throw new BlockError('INVALID_ARGUMENT', `prefix ${JSON.stringify(prefix)} has a control character`);
  }
  const maxBytes = KEY_BYTES_MAX - longestKeyBytes;
  if (Buffer.byteLength(prefix) > maxBytes) {
    throw new BlockError('INVALID_ARGUMENT', `prefix must be at most ${maxBytes} bytes`);
  }
}
