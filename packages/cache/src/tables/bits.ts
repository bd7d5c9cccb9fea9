/**
 * Runs of bits in an `Uint32Array`. `base` is the first word of a mask, positions count from there, ranges are half open.
 * Positions are below 2^31, so 32-bit operators are safe here; they never touch an offset on the device.
 */

/** Bits `from` to `to` of one word, both within it: 0 <= from < to <= 32. */
function wordMask(from: number, to: number): number {
  return (0xffffffff >>> (32 - (to - from))) << from;
}

/**
 * A word at an index that lies in the array: positions are checked where a request is split into lines. Nothing of it is left
 * at run time.
 */
function wordAt(words: Uint32Array, index: number): number {
  return words[index] as number;
}

export function setBits(words: Uint32Array, base: number, from: number, to: number): void {
  for (let at = from; at < to; ) {
    const word = at >>> 5;
    const end = Math.min(to, (word + 1) << 5);
    words[base + word] = wordAt(words, base + word) | wordMask(at & 31, end - (word << 5));
    at = end;
  }
}

export function clearBits(words: Uint32Array, base: number, from: number, to: number): void {
  for (let at = from; at < to; ) {
    const word = at >>> 5;
    const end = Math.min(to, (word + 1) << 5);
    words[base + word] = wordAt(words, base + word) & ~wordMask(at & 31, end - (word << 5));
    at = end;
  }
}

/** Clears the bits that are set in `others`, which is as long. */
export function removeBits(words: Uint32Array, others: Uint32Array): void {
  others.forEach((word, i) => {
    words[i] = wordAt(words, i) & ~word;
  });
}

/** Whether every bit of the range is set. */
export function hasAllBits(words: Uint32Array, base: number, from: number, to: number): boolean {
  for (let at = from; at < to; ) {
    const word = at >>> 5;
    const end = Math.min(to, (word + 1) << 5);
    const mask = wordMask(at & 31, end - (word << 5));
    if ((wordAt(words, base + word) & mask) !== mask >> 0) return false;
    at = end;
  }
  return true;
}

/** Whether any bit of the range is set. */
export function hasAnyBit(words: Uint32Array, base: number, from: number, to: number): boolean {
  for (let at = from; at < to; ) {
    const word = at >>> 5;
    const end = Math.min(to, (word + 1) << 5);
    if ((wordAt(words, base + word) & wordMask(at & 31, end - (word << 5))) !== 0) return true;
    at = end;
  }
  return false;
}

/** First set bit in the range, or `to`. */
export function nextSetBit(words: Uint32Array, base: number, from: number, to: number): number {
  return nextBit(words, base, from, to, 0);
}

/** First clear bit in the range, or `to`. */
export function nextClearBit(words: Uint32Array, base: number, from: number, to: number): number {
  return nextBit(words, base, from, to, 0xffffffff);
}

/** First bit that differs from the same bit of `flip`. */
function nextBit(words: Uint32Array, base: number, from: number, to: number, flip: number): number {
  for (let at = from; at < to; ) {
    const word = at >>> 5;
    const rest = ((wordAt(words, base + word) ^ flip) >>> (at & 31)) >>> 0;
    if (rest !== 0) return Math.min(to, at + 31 - Math.clz32(rest & -rest));
    at = (word + 1) << 5;
  }
  return to;
}

/** Number of set bits in the range. */
export function countBits(words: Uint32Array, base: number, from: number, to: number): number {
  let count = 0;
  for (let at = nextSetBit(words, base, from, to); at < to; ) {
    const end = nextClearBit(words, base, at, to);
    count += end - at;
    at = nextSetBit(words, base, end, to);
  }
  return count;
}
