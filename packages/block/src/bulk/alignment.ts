import type { ByteRun, ByteView } from './byte-view.js';
import type { BlockDevice } from '../contract.js';

/** A run to be zeroed natively is cut in at most this many pieces, so that progress shows and an abort comes through. */
const ZERO_PIECES_MAX = 256;

/** But not in pieces smaller than this. */
const ZERO_PIECE_BYTES_MIN = 1 << 30;

/** Where the lines are along which work on a {@link ByteView} is cut. */
export interface Grid {
  /** Smallest piece that is treated by itself; a zero run counts as far as it covers whole ones. */
  readonly grainBytes: number;
  /** Largest piece that is read or written at once: a multiple of the grain. */
  readonly chunkBytes: number;
  /** Bytes from the last line of chunks at or before the view's start to its start. */
  readonly phaseBytes: number;
}

/** A piece of work: the bytes from `start` to before `end` of a view. */
export interface Piece {
  readonly start: number;
  readonly end: number;
}

/**
 * The view's runs from `start` to `end`, cut along the grid: zero runs shrink to whole grains (the ends of the asked range count
 * as lines), everything else is data. Covers the range exactly; only data may be followed by more of its kind.
 */
export async function* gridRuns(view: ByteView, start: number, end: number, grid: Grid): AsyncGenerator<ByteRun> {
  let at = start;
  for await (const zero of zeroRuns(view, start, end, grid)) {
    if (at < zero.start) yield { start: at, end: zero.start, zero: false };
    if (zero.start < zero.end) yield { start: zero.start, end: zero.end, zero: true };
    at = Math.max(at, zero.end);
  }
  if (at < end) yield { start: at, end, zero: false };
}

/** The zero runs, in whole grains. An empty one says that no other begins before it, so that whole chunks of data need not wait. */
async function* zeroRuns(view: ByteView, start: number, end: number, grid: Grid): AsyncGenerator<Piece> {
  const wholeGrains = (from: number, to: number): Piece => ({
    start: from === start ? from : ceilTo(from, grid.grainBytes, grid),
    end: to === end ? to : floorTo(to, grid.grainBytes, grid),
  });
  let dataEnd = start;
  for await (const run of view.extents(start, end)) {
    if (run.zero) continue;
    const zero = wholeGrains(dataEnd, run.start);
    if (zero.start < zero.end) yield zero;
    dataEnd = run.end;
    const line = floorTo(dataEnd, grid.chunkBytes, grid);
    yield { start: line, end: line };
  }
  const zero = wholeGrains(dataEnd, end);
  if (zero.start < zero.end) yield zero;
}

/** A run in pieces that end on every line of the grid which is a multiple of `stepBytes`, by default of the chunk. */
export function* cut(run: Piece, grid: Grid, stepBytes = grid.chunkBytes): Generator<Piece> {
  for (let at = run.start; at < run.end; ) {
    const end = Math.min(floorTo(at, stepBytes, grid) + stepBytes, run.end);
    yield { start: at, end };
    at = end;
  }
}

/** A run that is to be zeroed, in pieces: chunks, or much larger ones where the device is native in it and the size no matter. */
export function cutZeroes({ info }: BlockDevice, run: Piece, grid: Grid): Generator<Piece> {
  if (!info.native.discard && !info.native.writeZeroes) return cut(run, grid);
  const wantedBytes = Math.max(ZERO_PIECE_BYTES_MIN, (run.end - run.start) / ZERO_PIECES_MAX);
  return cut(run, grid, Math.ceil(wantedBytes / grid.chunkBytes) * grid.chunkBytes);
}

function floorTo(at: number, step: number, { phaseBytes }: Grid): number {
  return at - ((at + phaseBytes) % step);
}

function ceilTo(at: number, step: number, grid: Grid): number {
  const floor = floorTo(at, step, grid);
  return floor === at ? at : floor + step;
}
