import { BlockError } from '@blockyard/block';
import prettyBytes from 'pretty-bytes';

/** Bytes in a unit: powers of 1024, as block devices are sized. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
  P: 2 ** 50,
};

const SIZE = /^(\d+(?:\.\d+)?)\s?(?:([KMGTP]?)B?|([KMGTP])iB)$/i;

/**
 * Bytes of a size that people write: `4096`, `64K`, `10G`, `1TiB`, `1.5GiB`. K is 1024, with or without `B` or `iB`. `what`
 * names the option or parameter in the message.
 *
 * Throws `INVALID_ARGUMENT` for anything else, for what is no whole number of bytes, and for more than 2^53 - 1.
 */
export function parseSize(text: string, what = 'size'): number {
  const [, digits, short, long] = SIZE.exec(text.trim()) ?? [];
  const factor = UNITS[(long ?? short ?? '').toUpperCase()];
  if (digits === undefined || factor === undefined) {
    throw new BlockError(
      'INVALID_ARGUMENT',
      `${what} must be a size such as 4096, 64K, 10G or 1TiB, not ${show(text)}`,
    );
  }
  const bytes = Number(digits) * factor;
  if (!Number.isSafeInteger(bytes)) {
    throw new BlockError('INVALID_ARGUMENT', `${what} must be whole bytes, at most 2^53 - 1, not ${show(text)}`);
  }
  return bytes;
}

/** `0 B`, `64 KiB`, `1.5 GiB`: three digits that mean something. */
export function formatSize(bytes: number): string {
  return prettyBytes(bytes, { binary: true, space: true });
}

function show(text: string): string {
  return JSON.stringify(text);
}
