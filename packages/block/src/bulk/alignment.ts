import type { BlockDevice } from '../contract.js';
import type { ByteRun, ByteView } from './byte-view.js';

/** Pieces of a run that is zeroed natively, at most: several, so that progress shows and an abort takes effect. */
const ZERO_PIECES_MAX = 256;

/** The smallest such piece. */
const ZERO_PIECE_BYTES_MIN = 1 << 30;

/** Where the boundaries are at which work on a {@link ByteView} is split. */
export interface Alignment {
  /** The smallest piece that is treated on its own. A zero run counts as far as it covers whole grains. */
  readonly grainBytes: number;
  /** Largest piece that is read or written at once: a multiple of the grain. */
  readonly pieceBytes: number;
  /** Bytes from the last chunk boundary at or before the view's start to its start. */
  readonly phaseBytes: number;
}

/** A piece of work: the bytes from `start` to before `end` of a view. */
export interface Piece {
  readonly start: number;
  readonly end: number;
}

/**
 * The view's runs from `start` to `end`, aligned: zero runs shrink to whole grains, where the ends of the range count as
 * boundaries, and everything else is data. Covers the range exactly. Only data may be followed by more of its kind.
 */
export async function* alignedRuns(
  view: ByteView,
  start: number,
  end: number,
  alignment: Alignment,
): AsyncGenerator<ByteRun> {
  let at = start;
  for await (const zero of zeroRuns(view, start, end, alignment)) {
    if (at < zero.start) yield { start: at, end: zero.start, zero: false };
    if (zero.start < zero.end) yield { start: zero.start, end: zero.end, zero: true };
    at = Math.max(at, zero.end);
  }
  if (at < end) yield { start: at, end, zero: false };
}

/**
 * The zero runs, in whole grains. An empty one says that no other begins before it, so that whole chunks of data need not wait.
 */
async function* zeroRuns(view: ByteView, start: number, end: number, alignment: Alignment): AsyncGenerator<Piece> {
  const wholeGrains = (from: number, to: number): Piece => ({
    start: from === start ? from : ceilTo(from, alignment.grainBytes, alignment),
    end: to === end ? to : floorTo(to, alignment.grainBytes, alignment),
  });
  let dataEnd = start;
  for await (const run of view.extents(start, end)) {
    if (run.zero) continue;
    const zero = wholeGrains(dataEnd, run.start);
    if (zero.start < zero.end) yield zero;
    dataEnd = run.end;
    const boundary = floorTo(dataEnd, alignment.pieceBytes, alignment);
    yield { start: boundary, end: boundary };
  }
  const zero = wholeGrains(dataEnd, end);
  if (zero.start < zero.end) yield zero;
}

/** A run in pieces, split at every multiple of `stepBytes`, by default of the chunk. */
export function* split(run: Piece, alignment: Alignment, stepBytes = alignment.pieceBytes): Generator<Piece> {
  for (let at = run.start; at < run.end; ) {
    const end = Math.min(floorTo(at, stepBytes, alignment) + stepBytes, run.end);
    yield { start: at, end };
    at = end;
  }
}

/** A run that is to be zeroed, in pieces: chunks, or much larger ones where the device zeroes natively, whatever the size. */
export function splitZeroes({ info }: BlockDevice, run: Piece, alignment: Alignment): Generator<Piece> {
  if (!info.native.discard && !info.native.writeZeroes) return split(run, alignment);
  const wantedBytes = Math.max(ZERO_PIECE_BYTES_MIN, (run.end - run.start) / ZERO_PIECES_MAX);
  return split(run, alignment, Math.ceil(wantedBytes / alignment.pieceBytes) * alignment.pieceBytes);
}

function floorTo(at: number, step: number, { phaseBytes }: Alignment): number {
  return at - ((at + phaseBytes) % step);
}

function ceilTo(at: number, step: number, alignment: Alignment): number {
  const floor = floorTo(at, step, alignment);
  return floor === at ? at : floor + step;
}
