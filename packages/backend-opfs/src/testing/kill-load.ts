/** What is written while tabs are being killed, the same on the side that writes and on the side that checks. */

export const KILL_SHAPE = { sectorSize: 4096, sizeSectors: 512 };
const RUN_SECTORS_MAX = 48;

/** A run of sectors that one write covers. */
export interface Run {
  readonly start: number;
  readonly count: number;
}

/** Where write number `writer` goes: known from its number alone. */
export function runOf(writer: number): Run {
  const start = hash(writer) % KILL_SHAPE.sizeSectors;
  const count = 1 + (hash(writer ^ 0x5bd1e995) % RUN_SECTORS_MAX);
  return { start, count: Math.min(count, KILL_SHAPE.sizeSectors - start) };
}

/** Sectors that all hold the number of their writer, in each of their words, mixed with the number of the sector. */
export function contentsOf(writer: number, { start, count }: Run): Uint8Array {
  const words = KILL_SHAPE.sectorSize / 4;
  const bytes = new Uint32Array(count * words);
  for (let i = 0; i < count; i++) {
    bytes.fill((writer ^ hash(start + i)) >>> 0, i * words, (i + 1) * words);
  }
  return new Uint8Array(bytes.buffer);
}

/** The writer of each sector of the volume: 0 if it is zeroes, -1 if it is no one's as a whole. */
export function writersIn(bytes: Uint8Array): number[] {
  const words = KILL_SHAPE.sectorSize / 4;
  const all = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return Array.from({ length: all.length / words }, (_, sector) => {
    const own = all.subarray(sector * words, (sector + 1) * words);
    const [first = 0] = own;
    if (!own.every((word) => word === first)) return -1;
    return first === 0 ? 0 : (first ^ hash(sector)) >>> 0;
  });
}

/** The finalizer of MurmurHash3, as a natural number. */
function hash(value: number): number {
  let h = Math.imul(value + 1, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
