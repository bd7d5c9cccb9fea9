/** One source of zeroes for all: no driver writes into the buffers of a write [B2]. */
const ZEROES = new Uint8Array(65_536);

/** Sum of the lengths, in bytes. */
export function byteLengthOf(buffers: readonly Uint8Array[]): number {
  let sum = 0;
  for (const buffer of buffers) sum += buffer.byteLength;
  return sum;
}

/**
 * Views of bytes `offset` to `offset + length` of the list, as if the buffers were one. Copies nothing. The range must lie
 * within the list.
 */
export function sliceBuffers(buffers: readonly Uint8Array[], offset: number, length: number): Uint8Array[] {
  const views: Uint8Array[] = [];
  let skip = offset;
  let left = length;
  for (const buffer of buffers) {
    if (left === 0) break;
    if (skip >= buffer.byteLength) {
      skip -= buffer.byteLength;
      continue;
    }
    const take = Math.min(buffer.byteLength - skip, left);
    views.push(buffer.subarray(skip, skip + take));
    skip = 0;
    left -= take;
  }
  if (left !== 0) throw new RangeError(`slice of ${length} bytes at ${offset} runs past the end of the buffers`);
  return views;
}

/** Buffers that hold `byteLength` zeroes, views of one shared block. No one may write into them. */
export function zeroBuffers(byteLength: number): Uint8Array[] {
  const buffers: Uint8Array[] = [];
  for (let left = byteLength; left > 0; left -= ZEROES.byteLength) {
    buffers.push(left >= ZEROES.byteLength ? ZEROES : ZEROES.subarray(0, left));
  }
  return buffers;
}

/**
 * Whether every byte is zero.
 *
 * Compares words of 32 bits: 64-bit ones would be bigints, an allocation each.
 */
export function isZero(bytes: Uint8Array): boolean {
  const { byteLength } = bytes;
  const head = Math.min((4 - (bytes.byteOffset % 4)) % 4, byteLength);
  const tail = byteLength - ((byteLength - head) % 4);
  for (let i = 0; i < head; i++) if (bytes[i] !== 0) return false;
  for (let i = tail; i < byteLength; i++) if (bytes[i] !== 0) return false;
  return head === tail || areWordsZero(bytes.subarray(head, tail));
}

/** Of whole words of 32 bits, aligned. */
function areWordsZero({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  const words = new Uint32Array(buffer, byteOffset, byteLength / 4);
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
  return true;
}

/**
 * The first index at which two arrays of one length differ, or undefined if they are equal. Fast if both are aligned to 4
 * bytes.
 */
export function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  if (a.byteLength !== b.byteLength) throw new RangeError(`${a.byteLength} bytes compared with ${b.byteLength}`);
  for (let i = equalWords(a, b) * 4; i < a.byteLength; i++) if (a[i] !== b[i]) return i;
  return undefined;
}

/** How many words of 32 bits are equal, from the start on. */
function equalWords(a: Uint8Array, b: Uint8Array): number {
  if (a.byteOffset % 4 !== 0 || b.byteOffset % 4 !== 0) return 0;
  const words = Math.floor(a.byteLength / 4);
  const wordsA = new Uint32Array(a.buffer, a.byteOffset, words);
  const wordsB = new Uint32Array(b.buffer, b.byteOffset, words);
  for (let i = 0; i < words; i++) if (wordsA[i] !== wordsB[i]) return i;
  return words;
}
