import type { Fetcher } from '../base/fetcher.js';
import type { Entry, Sector } from '../tables/numbers.js';
import type { StatesContext } from './states.js';

/** What the map is drawn from. */
export interface MapContext extends StatesContext {
  readonly fetcher: Fetcher;
  readonly deviceSectors: Sector;
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
  const cells = new Cells(deviceSectors, cellSectors);
  zeroes.forEachZero(0 as Sector, deviceSectors, (start, end) => {
    cells.forEach(start, end, (cell, from, to) => cells.add('zero', cell, to - from));
  });
  lines.forEach((entry, line) => {
    const first = geometry.sectorOf(line, 0);
    const end = Math.min(deviceSectors, first + geometry.sectorsPerLine) as Sector;
    cells.forEach(first, end, (cell, from, to) => {
      addLine(context, entry, from - first, to - first, (state, count) => cells.add(state, cell, count));
    });
  });
  cells.addAbsent();
  return { cellSectors, cells: cells.count, sectors: cells.sectors };
}

/** Sectors by state and cell. */
class Cells {
  readonly count: number;
  readonly sectors: Readonly<Record<CellState, Float64Array>>;
  readonly #deviceSectors: number;
  readonly #cellSectors: number;

  constructor(deviceSectors: number, cellSectors: number) {
    this.#deviceSectors = deviceSectors;
    this.#cellSectors = cellSectors;
    this.count = Math.ceil(deviceSectors / cellSectors);
    this.sectors = Object.fromEntries(CELL_STATES.map((state) => [state, new Float64Array(this.count)])) as Record<
      CellState,
      Float64Array
    >;
  }

  /** Calls `visit` with each cell that the range touches, and the part of the range in it. */
  forEach(start: number, end: number, visit: (cell: number, start: number, end: number) => void): void {
    for (let at = start; at < end; ) {
      const cell = Math.floor(at / this.#cellSectors);
      const to = Math.min(end, (cell + 1) * this.#cellSectors);
      visit(cell, at, to);
      at = to;
    }
  }

  add(state: CellState, cell: number, count: number): void {
    this.sectors[state][cell] = this.#at(state, cell) + count;
  }

  /** What is in no other state is absent. */
  addAbsent(): void {
    for (let cell = 0; cell < this.count; cell++) {
      const known = CELL_STATES.reduce((sum, state) => sum + this.#at(state, cell), 0);
      const sectors = Math.min(this.#cellSectors, this.#deviceSectors - cell * this.#cellSectors);
      this.add('absent', cell, Math.max(0, sectors - known));
    }
  }

  #at(state: CellState, cell: number): number {
    return this.sectors[state].at(cell) ?? 0;
  }
}

function addLine(
  { lines, fetcher, writeBack, zeroes, geometry }: MapContext,
  entry: Entry,
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
  const line = lines.lineOf(entry);
  const first = geometry.sectorOf(line, 0);
  const [start, end] = [geometry.sectorOf(line, from), geometry.sectorOf(line, to)];
  if (zeroes.isInFlight(start, end)) {
    zeroes.forEachZero(start, end, (zeroStart, zeroEnd) => {
      add('zero', -lines.valid.count(entry, zeroStart - first, zeroEnd - first));
    });
  }
  for (const fetch of fetcher.of(entry)) {
    add(fetch.speculative ? 'readingAhead' : 'reading', fetcher.countWanted(fetch, from, to));
  }
}
