/**
 * The first word of a leaf's block. Bits 0 to 11 are the length of the block in words, 12 to 22 a count (of runs if the
 * leaf is sparse, of mapped sectors if it is dense), and bit 31 says that it is dense.
 */
const COUNT_SHIFT = 12;
const COUNT_MASK = 0x7ff;
const LENGTH_MASK = 0xfff;
const DENSE = 2 ** 31;

/** Words of a block before its contents. */
export const HEADER_WORDS = 1;

/** Sectors of a leaf: {@link COUNT_MASK} and the offsets in sparse leaves have room for as many. */
export const LEAF_SECTORS_MAX = 1024;

/** Words of the whole block. */
export function lengthOf(words: Uint32Array, block: number): number {
  return (words[block] as number) & LENGTH_MASK;
}

export function isDense(words: Uint32Array, block: number): boolean {
  return (words[block] as number) >= DENSE;
}

export function countOf(words: Uint32Array, block: number): number {
  return ((words[block] as number) >>> COUNT_SHIFT) & COUNT_MASK;
}

export function setHeader(words: Uint32Array, block: number, count: number, dense: boolean): void {
  words[block] = ((words[block] as number) & LENGTH_MASK) + count * 2 ** COUNT_SHIFT + (dense ? DENSE : 0);
}
