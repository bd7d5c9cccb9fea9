/**
 * Where a block of an object is looked up: 32 bits of the object's identity and the number of the block, mixed as the
 * finalizer of MurmurHash3 does (Austin Appleby, public domain).
 */
export function hashOf(word0: number, word1: number, block: number): number {
  let hash = word0 ^ Math.imul(block + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) ^ word1;
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
