import { AssertionError } from '../assertions/assertion-error.js';
import { beginningOf, describeWriter, TORN, type Writer, writerOf } from './stamp.js';

/** Runs of sectors that a message names; the others are counted. */
const RUNS_NAMED_MAX = 4;
/** How far away to look for the place where a shifted sector belongs. */
const SHIFT_SECTORS_MAX = 16;

/**
 * Fails unless the sectors in `bytes`, the first of which is sector `start`, are of these writers. The message names the wrong
 * ones.
 */
export function expectStamps(
  bytes: Uint8Array,
  start: number,
  what: string,
  expected: readonly Writer[],
  sectorSize: number,
): void {
  const wrong = differences(bytes, start, expected, sectorSize);
  if (wrong.length === 0) return;
  const named = wrong.slice(0, RUNS_NAMED_MAX).map(describeRun);
  const left = wrong.length - named.length;
  if (left > 0) named.push(`and ${left} more`);
  throw new AssertionError({ message: `${what}: ${named.join('; ')}` });
}

/** Sectors next to each other that are wrong in the same way. */
interface WrongRun {
  readonly start: number;
  count: number;
  readonly found: string;
  readonly expected: string;
}

function differences(
  bytes: Uint8Array,
  start: number,
  expected: readonly Writer[],
  sectorSize: number,
): readonly WrongRun[] {
  const wrong: WrongRun[] = [];
  for (const [i, writer] of expected.entries()) {
    const sector = bytes.subarray(i * sectorSize, (i + 1) * sectorSize);
    if (writerOf(sector, start + i) === writer) continue;
    const found = describeSector(sector, start + i);
    const last = wrong.at(-1);
    const goesOn = last !== undefined && last.start + last.count === start + i;
    if (goesOn && last.found === found && last.expected === describeWriter(writer)) last.count++;
    else wrong.push({ start: start + i, count: 1, found, expected: describeWriter(writer) });
  }
  return wrong;
}

function describeRun({ start, count, found, expected }: WrongRun): string {
  return `${count === 1 ? `sector ${start} is` : `sectors ${start} to ${start + count - 1} are`} ${found}, must be ${expected}`;
}

/** The writer of a sector; if it has none, what happened to it: shifted, torn, or never filled. */
export function describeSector(bytes: Uint8Array, sector: number): string {
  const writer = writerOf(bytes, sector);
  if (writer !== TORN) return describeWriter(writer);
  const [first] = bytes;
  if (bytes.every((byte) => byte === first)) return `bytes 0x${first?.toString(16)} throughout`;
  for (let shift = -SHIFT_SECTORS_MAX; shift <= SHIFT_SECTORS_MAX; shift++) {
    const other = sector + shift;
    const owner = other < 0 ? TORN : writerOf(bytes, other);
    if (owner !== TORN) return `what belongs in sector ${other}, of ${describeWriter(owner)}`;
  }
  const { writer: beginsAs, endByte } = beginningOf(bytes, sector);
  return `torn (${describeWriter(beginsAs)} up to byte ${endByte})`;
}
