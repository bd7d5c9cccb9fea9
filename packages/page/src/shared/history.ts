import { applyDelta, deltaBetween } from './delta.js';

/** A range of the device in cells, at one moment. */
export interface Frame {
  readonly atMs: number;
  readonly startSector: number;
  readonly countSectors: number;
  readonly cellSectors: number;
  /** One byte a cell. */
  readonly cells: Uint8Array;
}

export interface HistoryOptions {
  /** Frames that are older are dropped. */
  readonly maxAgeMs: number;
  /** Most that all frames together hold. */
  readonly maxBytes: number;
}

/** A frame as it is kept: whole, or as it differs from the one before. */
interface Kept {
  readonly frame: Omit<Frame, 'cells'>;
  readonly cellCount: number;
  readonly isWhole: boolean;
  readonly bytes: Uint8Array;
}

/** A whole frame is kept at least as often, so that one is soon found again. */
const WHOLE_EVERY = 64;
/** What one kept frame takes beside its bytes. */
const OVERHEAD_BYTES = 200;

/** The last frames, in bounded memory. */
export class History {
  readonly #options: HistoryOptions;
  #kept: Kept[] = [];
  #bytes = 0;
  #last: Frame | undefined;
  #sinceWhole = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  get byteLength(): number {
    return this.#bytes;
  }

  /** Undefined: there is none. */
  get oldestMs(): number | undefined {
    return this.#kept[0]?.frame.atMs;
  }

  /** Keeps a frame that is newer than all others. Its cells are copied. */
  add({ cells, ...frame }: Frame): void {
    const before = this.#last;
    const isSameRange =
      before !== undefined &&
      before.startSector === frame.startSector &&
      before.countSectors === frame.countSectors &&
      before.cells.length === cells.length;
    const isWhole = !isSameRange || this.#sinceWhole >= WHOLE_EVERY;
    const bytes = isWhole ? cells.slice() : deltaBetween(before.cells, cells);
    this.#sinceWhole = isWhole ? 0 : this.#sinceWhole + 1;
    this.#kept.push({ frame, cellCount: cells.length, isWhole, bytes });
    this.#bytes += bytes.length + OVERHEAD_BYTES;
    this.#last = { ...frame, cells: cells.slice() };
    this.#drop(frame.atMs);
  }

  /** The last frame that is no newer than the moment, or the oldest there is. */
  at(atMs: number): Frame | undefined {
    let index = this.#kept.length - 1;
    while (index > 0 && (this.#kept[index]?.frame.atMs ?? 0) > atMs) index--;
    const found = this.#kept[index];
    if (found === undefined) return undefined;
    let from = index;
    while (this.#kept[from]?.isWhole === false) from--;
    const cells = new Uint8Array(found.cellCount);
    for (const { isWhole, bytes } of this.#kept.slice(from, index + 1)) {
      if (isWhole) cells.set(bytes);
      else applyDelta(cells, bytes);
    }
    return { ...found.frame, cells };
  }

  /** The oldest go, up to the next one that is whole. */
  #drop(nowMs: number): void {
    const { maxAgeMs, maxBytes } = this.#options;
    for (;;) {
      const [first] = this.#kept;
      if (first === undefined) return;
      if (this.#bytes <= maxBytes && first.frame.atMs >= nowMs - maxAgeMs) return;
      const next = this.#kept.findIndex(({ isWhole }, index) => index > 0 && isWhole);
      const gone = next < 0 ? this.#kept.length : next;
      // Those that are too old leave with the last of them that the next whole one does not need.
      const lastGone = this.#kept[gone - 1];
      if (this.#bytes <= maxBytes && lastGone !== undefined && lastGone.frame.atMs >= nowMs - maxAgeMs) return;
      for (const { bytes } of this.#kept.splice(0, gone)) this.#bytes -= bytes.length + OVERHEAD_BYTES;
      if (this.#kept.length === 0) {
        this.#last = undefined;
        this.#sinceWhole = 0;
      }
    }
  }
}

/** A frame as it looks in another range and other cells; 0 where it has nothing to tell. */
export function resample(frame: Frame, range: Omit<Frame, 'atMs' | 'cells'>, cellCount: number): Uint8Array {
  const cells = new Uint8Array(cellCount);
  for (let cell = 0; cell < cellCount; cell++) {
    const sector = range.startSector + cell * range.cellSectors - frame.startSector;
    if (sector >= 0 && sector < frame.countSectors)
      cells[cell] = frame.cells[Math.floor(sector / frame.cellSectors)] ?? 0;
  }
  return cells;
}
