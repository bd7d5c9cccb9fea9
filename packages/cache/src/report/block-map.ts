import type { Fetcher } from '../base/fetcher.js';
import type { StatesContext } from './states.js';

/** What the map is drawn from. */
export interface MapContext extends StatesContext {
  readonly fetcher: Fetcher;
  readonly deviceSectors: number;
}

/** What a sector can be, from the cache's point of view. */
export const CELL_STATES = [
  'absent',
  'zero',
  'clean',
  'dirty',
  'parked',
  'writing',
  'reading',
  'readingAhead',
] as const;
export type CellState = (typeof CELL_STATES)[number];

/** The device in cells of equal size, and how many sectors of each are in each state. */
export interface BlockMap {
  /** Sectors in a cell; the last one may have fewer. */
  readonly cellSectors: number;
  readonly cells: number;
  /** Sectors by state, one number for each cell. */
  readonly sectors: Readonly<Record<CellState, Float64Array>>;
}

/** The map in at most so many cells. Costs in proportion to the cells and to the lines in memory, not to the device. */
export function blockMapOf(context: MapContext, maxCells: number): BlockMap {
  const { deviceSectors, geometry, lines, zeroes } = context;
  const cellSectors = Math.max(1, Math.ceil(deviceSectors / maxCells));
  const cells = Math.ceil(deviceSectors / cellSectors);
  const sectors = Object.fromEntries(CELL_STATES.map((state) => [state, new Float64Array(cells)])) as Record<
    CellState,
    Float64Array
  >;
  const forEachCell = (start: number, end: number, visit: (cell: number, start: number, end: number) => void) => {
    for (let at = start; at < end; ) {
      const cell = Math.floor(at / cellSectors);
      const to = Math.min(end, (cell + 1) * cellSectors);
      visit(cell, at, to);
      at = to;
    }
  };
  zeroes.forEachZero(0, deviceSectors, (start, end) => {
    forEachCell(start, end, (cell, from, to) => {
      sectors.zero[cell] += to - from;
    });
  });
  lines.forEach((entry, line) => {
    const first = line * geometry.sectorsPerLine;
    forEachCell(first, Math.min(deviceSectors, first + geometry.sectorsPerLine), (cell, from, to) => {
      addLine(context, entry, from - first, to - first, (state, count) => {
        sectors[state][cell] += count;
      });
    });
  });
  for (let cell = 0; cell < cells; cell++) {
    let known = 0;
    for (const state of CELL_STATES) known += sectors[state][cell];
    sectors.absent[cell] = Math.max(0, Math.min(cellSectors, deviceSectors - cell * cellSectors) - known);
  }
  return { cellSectors, cells, sectors };
}

function addLine(
  { lines, fetcher, writeBack, zeroes, geometry }: MapContext,
  entry: number,
  from: number,
  to: number,
  add: (state: CellState, count: number) => void,
): void {
  const writing = writeBack.writes.countUnwritten(entry, from, to);
  const dirty = lines.dirty.count(entry, from, to);
  add('writing', writing);
  add(lines.isParked(entry) ? 'parked' : 'dirty', dirty);
  add('clean', lines.valid.count(entry, from, to) - dirty - writing);
  // While the base is told of zeroes, what was written over them is newer.
  const first = lines.lineOf(entry) * geometry.sectorsPerLine;
  if (zeroes.isInFlight(first + from, first + to)) {
    zeroes.forEachZero(first + from, first + to, (start, end) => {
      add('zero', -lines.valid.count(entry, start - first, end - first));
    });
  }
  const fetch = fetcher.of(entry);
  if (fetch !== undefined) add(fetch.speculative ? 'readingAhead' : 'reading', fetcher.countWanted(fetch, from, to));
}
