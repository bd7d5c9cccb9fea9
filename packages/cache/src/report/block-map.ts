import type { Fetcher } from '../base/fetcher.js';
import type { Entry, Line, Sector } from '../tables/numbers.js';
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
/** The states in which a cell can have sectors. */
export type CellState = (typeof CELL_STATES)[number];

/** The device in cells of equal size, and how many sectors of each are in each state. */
export interface BlockMap {
  /** Sectors in a cell; the last one may have fewer. */
  readonly cellSectors: number;
  readonly cells: number;
  /** Sectors by state, one number for each cell. */
  readonly sectors: Readonly<Record<CellState, Float64Array>>;
}

/** Lines, or places for lines, that are looked at in one step. */
const STEP_LINES = 1024;

/** The map in at most so many cells. Costs in proportion to the cells and to the lines in memory, not to the device. */
export function blockMapOf(context: MapContext, maxCells: number): BlockMap {
  const steps = blockMapSteps(context, 0 as Sector, context.deviceSectors, maxCells);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * The map of a range, in steps: what happens between them may be in it or not. Costs by the lines of the range, or by those in
 * memory if they are fewer.
 */
export function* blockMapSteps(
  context: MapContext,
  start: Sector,
  end: Sector,
  maxCells: number,
): Generator<undefined, BlockMap, undefined> {
  const cellSectors = Math.max(1, Math.ceil((end - start) / maxCells));
  const cells = new Cells(start, end, cellSectors);
  context.zeroes.forEachZero(start, end, (from, to) => {
    cells.addRange('zero', from, to);
  });
  const { geometry, lines } = context;
  const firstLine = geometry.lineOf(start);
  const lastLine = geometry.lastLine(end);
  const byLine = lastLine - firstLine < lines.count;
  const places = () => (byLine ? lastLine - firstLine + 1 : lines.entriesMax);
  for (let at = 0; at < places(); at++) {
    const entry = (byLine ? lines.find((firstLine + at) as Line) : at) as Entry;
    if (entry >= 0 && lines.isResident(entry)) {
      addToCells(context, cells, entry, lines.lineOf(entry));
    }
    if (at % STEP_LINES === STEP_LINES - 1) yield undefined;
  }
  cells.addAbsent();
  return { cellSectors, cells: cells.count, sectors: cells.sectors };
}

/** Of a line that lies elsewhere, nothing. */
function addToCells(context: MapContext, cells: Cells, entry: Entry, line: Line): void {
  const zero = context.geometry.sectorOf(line, 0);
  const to = Math.min(cells.end, zero + context.geometry.sectorsPerLine);
  for (let at = Math.max(cells.start, zero); at < to; ) {
    const cell = cells.cellOf(at);
    const next = Math.min(to, cells.endOf(cell));
    addLine(context, entry, at - zero, next - zero, cells, cell);
    at = next;
  }
}

/** Sectors by state and cell. */
class Cells {
  readonly count: number;
  readonly sectors: Readonly<Record<CellState, Float64Array>>;
  readonly start: number;
  readonly end: number;
  readonly #cellSectors: number;
  /** Sectors of each cell that are in any state but absent. */
  readonly #known: Float64Array;

  constructor(start: number, end: number, cellSectors: number) {
    this.start = start;
    this.end = end;
    this.#cellSectors = cellSectors;
    this.count = Math.ceil((end - start) / cellSectors);
    this.#known = new Float64Array(this.count);
    this.sectors = Object.fromEntries(CELL_STATES.map((state) => [state, new Float64Array(this.count)])) as Record<
      CellState,
      Float64Array
    >;
  }

  cellOf(sector: number): number {
    return Math.floor((sector - this.start) / this.#cellSectors);
  }

  /** Where a cell ends, or would if the range went on. */
  endOf(cell: number): number {
    return this.start + (cell + 1) * this.#cellSectors;
  }

  /** A range that lies in any number of cells. */
  addRange(state: CellState, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const cell = this.cellOf(at);
      const next = Math.min(end, this.endOf(cell));
      this.add(state, cell, next - at);
      at = next;
    }
  }

  add(state: CellState, cell: number, count: number): void {
    if (count === 0) return;
    const sectors = this.sectors[state];
    sectors[cell] = (sectors[cell] ?? 0) + count;
    this.#known[cell] = (this.#known[cell] ?? 0) + count;
  }

  /** What is in no other state is absent. */
  addAbsent(): void {
    const { absent } = this.sectors;
    for (let cell = 0; cell < this.count; cell++) {
      const sectors = Math.min(this.#cellSectors, this.end - this.start - cell * this.#cellSectors);
      absent[cell] = Math.max(0, sectors - (this.#known[cell] ?? 0));
    }
  }
}

/** Sectors `from` to `to` of a line, which lie in one cell. */
function addLine(
  { lines, fetcher, writeBack, zeroes, geometry }: MapContext,
  entry: Entry,
  from: number,
  to: number,
  cells: Cells,
  cell: number,
): void {
  const writing = writeBack.writes.countUnwritten(entry, from, to);
  const dirty = lines.dirty.count(entry, from, to);
  cells.add('writing', cell, writing);
  cells.add(lines.isParked(entry) ? 'parked' : 'dirty', cell, dirty);
  cells.add('clean', cell, lines.valid.count(entry, from, to) - dirty - writing);
  // While the base is told of zeroes, what was written over them is newer.
  const line = lines.lineOf(entry);
  const first = geometry.sectorOf(line, 0);
  const [start, end] = [geometry.sectorOf(line, from), geometry.sectorOf(line, to)];
  if (zeroes.isInFlight(start, end)) {
    zeroes.forEachZero(start, end, (zeroStart, zeroEnd) => {
      cells.add('zero', cell, -lines.valid.count(entry, zeroStart - first, zeroEnd - first));
    });
  }
  for (const fetch of fetcher.of(entry)) {
    cells.add(fetch.speculative ? 'readingAhead' : 'reading', cell, fetcher.countWanted(fetch, from, to));
  }
}
