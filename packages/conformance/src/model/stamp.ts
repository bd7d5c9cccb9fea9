import { isZero } from '@blockyard/block';

/**
 * Sectors that say who wrote them. Every byte of a stamped sector follows from its writer and its position, so that a look at a
 * sector tells whose it is, and one that is mixed of two, shifted or in the wrong place is no one's.
 */

/** A number that stands for one write, 1 to 2^32 - 1; or {@link ZEROES}. */
export type Writer = number;

/** The writer of sectors that are all zeroes. */
export const ZEROES: Writer = 0;

/** What {@link writerOf} says of a sector that no one wrote whole. */
export const TORN = -1;

const UINT32 = 2 ** 32;

/** Contents of `count` sectors from `start`, written by `writer`, as one new buffer. */
export function stamped(writer: Writer, start: number, count: number, sectorSize: number): Uint8Array {
  const words = new Uint32Array((count * sectorSize) / 4);
  if (writer !== ZEROES) {
    const step = sectorSize / 4;
    for (let i = 0; i < count; i++) stampWords(words.subarray(i * step, (i + 1) * step), writer, start + i);
  }
  return new Uint8Array(words.buffer);
}

/** Who wrote the sector `bytes`, read from position `sector`: a writer, {@link ZEROES} or {@link TORN}. */
export function writerOf(bytes: Uint8Array, sector: number): Writer | typeof TORN {
  const words = wordsOf(bytes);
  const writer = words[0] ?? ZEROES;
  if (writer === ZEROES) return isZero(bytes) ? ZEROES : TORN;
  const seed = seedOf(writer, sector);
  for (let i = 1; i < words.length; i++) if (words[i] !== wordOf(seed, i)) return TORN;
  return writer;
}

/** Whose sector a torn one begins as, and up to which byte. */
export function beginningOf(bytes: Uint8Array, sector: number): { readonly writer: Writer; readonly endByte: number } {
  const words = wordsOf(bytes);
  const writer = words[0] ?? ZEROES;
  const seed = seedOf(writer, sector);
  let end = 1;
  while (end < words.length && words[end] === (writer === ZEROES ? 0 : wordOf(seed, end))) end++;
  return { writer, endByte: end * 4 };
}

/** Who wrote each of the sectors in `bytes`, the first of which is sector `start`. */
export function writersOf(bytes: Uint8Array, start: number, sectorSize: number): (Writer | typeof TORN)[] {
  const writers: Writer[] = [];
  for (let at = 0; at < bytes.byteLength; at += sectorSize) {
    writers.push(writerOf(bytes.subarray(at, at + sectorSize), start + at / sectorSize));
  }
  return writers;
}

/** `zeroes`, `writer 7` or `torn`. */
export function describeWriter(writer: Writer | typeof TORN): string {
  if (writer === ZEROES) return 'zeroes';
  return writer === TORN ? 'torn' : `writer ${writer}`;
}

/** The bytes as words, copied where they are not aligned. (A Buffer's own slice() would be no copy.) */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

function stampWords(words: Uint32Array, writer: Writer, sector: number): void {
  const seed = seedOf(writer, sector);
  words[0] = writer;
  for (let i = 1; i < words.length; i++) words[i] = wordOf(seed, i);
}

function seedOf(writer: Writer, sector: number): number {
  const high = Math.floor(sector / UINT32);
  return Math.imul(writer, 0x9e3779b1) + Math.imul(sector % UINT32, 0x85ebca6b) + Math.imul(high, 0x27d4eb2f);
}

/** Word `i` of a sector, from 1 on: mixed so that neither neighbours nor sectors shifted by a few words are alike. */
function wordOf(seed: number, i: number): number {
  return (Math.imul(seed + i, 0xc2b2ae35) ^ seed) >>> 0;
}
