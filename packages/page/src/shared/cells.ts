/** What a cell of the map is shown as; the order is that of the codes, and no code may change its meaning. */
export const CELL_KINDS = [
  'absent',
  'zero',
  'tier',
  'clean',
  'evicted',
  'readingAhead',
  'reading',
  'dirty',
  'writing',
] as const;
export type CellKind = (typeof CELL_KINDS)[number];

/** Levels of a cell, from a trace to all of it. */
export const LEVELS = 16;

/** A cell as one byte: its kind in the upper four bits, in the lower ones how much of it is of that kind. */
export function cellByte(kind: CellKind, share: number): number {
  return (CELL_KINDS.indexOf(kind) << 4) | levelOf(share);
}

export function kindOf(cell: number): CellKind {
  return CELL_KINDS[cell >> 4] ?? 'absent';
}

export function levelOfCell(cell: number): number {
  return cell & (LEVELS - 1);
}

/** Each level is the double of the one below, so that a line in a cell of gigabytes can be told from none. */
function levelOf(share: number): number {
  if (share <= 0) return 0;
  return Math.max(0, Math.min(LEVELS - 1, LEVELS - 1 + Math.round(Math.log2(share))));
}

/** The largest share that a level stands for, about; 0 to 1. */
export function shareOf(level: number): number {
  return 2 ** (level - (LEVELS - 1));
}
