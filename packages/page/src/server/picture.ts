import type { BlockMap, CellState } from '@blockyard/cache';
import { type CellKind, cellByte } from '../shared/cells.js';

/** How long a cell is shown as just evicted. */
export const EVICTED_MS = 3000;

/** What a cell is shown as where several kinds are in it: the first of these. */
const URGENT: readonly (readonly [CellKind, readonly CellState[]])[] = [
  ['writing', ['writing']],
  ['dirty', ['dirty', 'parked']],
  ['reading', ['reading']],
  ['readingAhead', ['readingAhead']],
];

/** A range as it is shown, look by look: what has left between two of them is told by their difference. */
export class Picture {
  /** One byte for each cell, as `cellByte` makes them. */
  bytes = new Uint8Array(0);
  #map: BlockMap | undefined;
  #evictedUntilMs = new Float64Array(0);
  #evictedSectors = new Float64Array(0);
  #tier: Float64Array | undefined;

  /** The sums of the last look. */
  get map(): BlockMap | undefined {
    return this.#map;
  }

  /** Takes what was found at a moment. `countSectors`: of the whole range. `tier`: sectors that are on a local disk, by cell. */
  update(map: BlockMap, countSectors: number, nowMs: number, tier?: Float64Array): void {
    this.#tier = tier;
    const before = this.#map;
    if (before?.cells !== map.cells || before.cellSectors !== map.cellSectors) {
      this.#evictedUntilMs = new Float64Array(map.cells);
      this.#evictedSectors = new Float64Array(map.cells);
    } else {
      this.#findEvicted(before, map, nowMs);
    }
    const bytes = new Uint8Array(map.cells);
    for (let cell = 0; cell < map.cells; cell++) {
      const sectors = Math.min(map.cellSectors, countSectors - cell * map.cellSectors);
      bytes[cell] = this.#byteOf(map, cell, sectors, nowMs);
    }
    this.bytes = bytes;
    this.#map = map;
  }

  /** Sectors of a cell of the last look, by what they are shown as. */
  sectorsOf(cell: number): Partial<Record<CellKind, number>> {
    const map = this.#map;
    if (map === undefined || !(cell >= 0 && cell < map.cells)) return {};
    const found: Partial<Record<CellKind, number>> = {};
    const states: readonly (readonly [CellKind, readonly CellState[]])[] = [
      ...URGENT,
      ['clean', ['clean']],
      ['zero', ['zero']],
    ];
    for (const [kind, of] of states) {
      const sectors = sumOf(map, cell, of);
      if (sectors > 0) found[kind] = sectors;
    }
    const absent = map.sectors.absent[cell] ?? 0;
    const tier = this.#tierOf(map, cell);
    if (tier > 0) found.tier = tier;
    if (absent > tier) found.absent = absent - tier;
    return found;
  }

  /** What has come into memory since it was looked for is there now. */
  #tierOf(map: BlockMap, cell: number): number {
    return Math.min(map.sectors.absent[cell] ?? 0, this.#tier?.[cell] ?? 0);
  }

  #findEvicted(before: BlockMap, after: BlockMap, nowMs: number): void {
    for (let cell = 0; cell < after.cells; cell++) {
      const left = (before.sectors.clean[cell] ?? 0) - (after.sectors.clean[cell] ?? 0);
      const missing = (after.sectors.absent[cell] ?? 0) - (before.sectors.absent[cell] ?? 0);
      const evicted = Math.min(left, missing);
      if (evicted <= 0) continue;
      this.#evictedUntilMs[cell] = nowMs + EVICTED_MS;
      this.#evictedSectors[cell] = evicted;
    }
  }

  #byteOf(map: BlockMap, cell: number, sectors: number, nowMs: number): number {
    for (const [kind, states] of URGENT) {
      const count = sumOf(map, cell, states);
      if (count > 0) return cellByte(kind, count / sectors);
    }
    const clean = map.sectors.clean[cell] ?? 0;
    const evicted = (this.#evictedUntilMs[cell] ?? 0) > nowMs ? (this.#evictedSectors[cell] ?? 0) : 0;
    // What left is shown where it is more than what stayed: else all cells of a busy cache would be that.
    if (evicted > clean) return cellByte('evicted', evicted / sectors);
    if (clean > 0) return cellByte('clean', clean / sectors);
    const tier = this.#tierOf(map, cell);
    if (tier > 0) return cellByte('tier', tier / sectors);
    const zero = map.sectors.zero[cell] ?? 0;
    return zero > 0 ? cellByte('zero', zero / sectors) : 0;
  }
}

function sumOf(map: BlockMap, cell: number, states: readonly CellState[]): number {
  let sum = 0;
  for (const state of states) sum += map.sectors[state][cell] ?? 0;
  return sum;
}
