/** Contents that tell where and when they were written: the number of the sector, the version, and words that follow from both. */

/** The version of a sector that was never written: zeroes. */
export const NEVER = 0;

/** Fills one sector. `bytes` begins at a multiple of four in its memory. */
export function fillSector(bytes: Uint8Array, sector: number, version: number): void {
  const words = wordsOf(bytes);
  if (version === NEVER) return void words.fill(0);
  words[0] = sector;
  words[1] = version;
  let word = seedOf(sector, version);
  for (let at = 2; at < words.length; at++) {
    words[at] = word;
    word = next(word);
  }
}

/** The version that one sector holds, all of it; undefined where that is not contents of this sector, or a mixture. */
export function versionIn(bytes: Uint8Array, sector: number): number | undefined {
  const words = wordsOf(bytes);
  const version = words[1] ?? NEVER;
  if (version === NEVER) return words.every((word) => word === 0) ? NEVER : undefined;
  if (words[0] !== sector) return undefined;
  let word = seedOf(sector, version);
  for (let at = 2; at < words.length; at++) {
    if (words[at] !== word) return undefined;
    word = next(word);
  }
  return version;
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

function seedOf(sector: number, version: number): number {
  return (Math.imul(sector + 1, 0x9e3779b1) ^ Math.imul(version, 0x85ebca6b)) >>> 0;
}

/** The generator of Numerical Recipes, second edition, chapter 7.1. */
function next(word: number): number {
  return (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
}
