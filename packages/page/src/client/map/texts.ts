import { CELL_KINDS, type CellKind, kindOf, levelOfCell, shareOf } from '../../shared/cells.js';
import { formatBytes, formatPercent, formatPlace } from '../../shared/format.js';
import type { Frame } from '../../shared/history.js';
import type { CellMessage } from '../../shared/messages.js';
import { KIND_TEXTS } from './colours.js';

/** Rows of the table at most; the rest is told by a number. */
export const ROWS_MAX = 100;

/** `64 KiB from 1.503 GiB on`. */
export function rangeText(startSector: number, countSectors: number, sectorSize: number): string {
  return `${formatBytes(countSectors * sectorSize)} from ${formatPlace(startSector * sectorSize)} on`;
}

/** What is known of a cell without asking. */
export function cellText(frame: Frame, cell: number, sectorSize: number): string {
  const byte = frame.cells[cell] ?? 0;
  const start = frame.startSector + cell * frame.cellSectors;
  const count = Math.min(frame.cellSectors, frame.startSector + frame.countSectors - start);
  const { name, meaning } = KIND_TEXTS[kindOf(byte)];
  const share = kindOf(byte) === 'absent' ? '' : `, ${shareText(levelOfCell(byte))} of it`;
  return `${rangeText(start, count, sectorSize)}: ${name}${share} (${meaning})`;
}

/** What the server says is in a cell, the most urgent first. */
export function exactText({ startSector, countSectors, sectors }: CellMessage, sectorSize: number): string {
  const parts = [...CELL_KINDS]
    .reverse()
    .filter((kind) => (sectors[kind] ?? 0) > 0)
    .map((kind) => `${formatBytes((sectors[kind] ?? 0) * sectorSize)} ${KIND_TEXTS[kind].name}`);
  return `${rangeText(startSector, countSectors, sectorSize)}: ${parts.join(', ')}`;
}

function shareText(level: number): string {
  const share = shareOf(level);
  return share >= 0.7 ? 'all or most' : share < 0.0005 ? 'a trace' : `about ${formatPercent(share)}`;
}

export interface Run {
  readonly startSector: number;
  readonly countSectors: number;
  readonly kind: CellKind;
}

/** Neighbours of one kind together, in order; absent ones are left out. */
export function runsOf(frame: Frame): Run[] {
  const runs: { startSector: number; countSectors: number; kind: CellKind }[] = [];
  for (let cell = 0; cell < frame.cells.length; cell++) {
    const kind = kindOf(frame.cells[cell] ?? 0);
    const startSector = frame.startSector + cell * frame.cellSectors;
    const countSectors = Math.min(frame.cellSectors, frame.startSector + frame.countSectors - startSector);
    const last = runs.at(-1);
    if (last?.kind === kind) last.countSectors += countSectors;
    else runs.push({ startSector, countSectors, kind });
  }
  return runs.filter(({ kind }) => kind !== 'absent');
}
