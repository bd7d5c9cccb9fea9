import { isZero } from '../buffers.js';
import { checkInteger, isBytes } from '../check.js';
import { checkBoolean, checkDevice, checkFunction, checkOptionNames, type KnownOptions } from '../check-options.js';
import type { BlockDevice, SectorRange } from '../contract.js';
import { BlockError } from '../error.js';
import type { MaybePromise } from '../maybe-promise.js';
import { type Piece, split, splitZeroes } from './alignment.js';
import { ByteView } from './byte-view.js';
import { KNOWN_PARALLEL, type ParallelOptions, planOf } from './plan.js';
import { runPieces } from './run-pieces.js';

/**
 * What to fill with: a byte; bytes that are repeated, the first of them at the start of the range; or a function that gives the
 * bytes of a range of the device's sectors, exactly as many as the range has, called in no particular order.
 */
export type FillPattern = number | Uint8Array | ((range: SectorRange) => MaybePromise<Uint8Array>);

/** How far a fill is. */
export interface FillProgress {
  readonly filledBytes: number;
  readonly totalBytes: number;
}

/** Options of {@link fill}. */
export interface FillOptions extends ParallelOptions {
  /** First byte to fill: whole sectors. Default: 0. */
  readonly offsetBytes?: number;
  /** Bytes to fill: whole sectors. Default: the rest of the device. */
  readonly lengthBytes?: number;
  /** Flush the device at the end. Default: true. */
  readonly flush?: boolean;
  /** Told after every piece. What it throws ends the fill. */
  readonly onProgress?: (progress: FillProgress) => void;
}

/** Gives the bytes of a piece; undefined where all of them are zero. */
type Source = ((piece: Piece) => MaybePromise<Uint8Array>) | undefined;

const KNOWN: KnownOptions<FillOptions> = {
  ...KNOWN_PARALLEL,
  offsetBytes: true,
  lengthBytes: true,
  flush: true,
  onProgress: true,
};

function checkOptions(options: FillOptions): void {
  checkOptionNames(options, KNOWN);
  for (const name of ['offsetBytes', 'lengthBytes'] as const) {
    if (options[name] !== undefined) checkInteger(options[name], name);
  }
  if (options.flush !== undefined) checkBoolean(options.flush, 'flush');
  if (options.onProgress !== undefined) checkFunction(options.onProgress, 'onProgress');
}

/**
 * Fills a device, or a range of it, with a pattern, in parallel. Zeroes are not written but made with `writeZeroes`.
 *
 * Rejects, before anything was changed, with `INVALID_ARGUMENT`, `UNALIGNED`, `OUT_OF_BOUNDS`, `READ_ONLY`; later with
 * `ABORTED`, with the first error of the device, or with what the function threw, after everything in flight has settled. Then
 * each sector is old or new.
 */
export async function fill(
  device: BlockDevice,
  pattern: FillPattern,
  options: FillOptions = {},
): Promise<FillProgress> {
  checkDevice(device, 'device');
  checkOptions(options);
  const view = new ByteView(device, options.offsetBytes, options.lengthBytes);
  const totalBytes = view.lengthBytes;
  const plan = planOf(options, totalBytes, view);
  if (device.info.readOnly) throw new BlockError('READ_ONLY', `cannot fill ${device.info.name}, which is read-only`);
  const source = sourceOf(pattern, view, plan.scratchBytes);
  const whole = { start: 0, end: totalBytes };
  const pieces = source === undefined ? splitZeroes(device, whole, plan.alignment) : split(whole, plan.alignment);
  let filledBytes = 0;
  await runPieces(
    pieces,
    async (piece, worker) => {
      const lengthBytes = piece.end - piece.start;
      const bytes = await source?.(piece);
      if (worker.isStopped()) return;
      await (bytes === undefined ? view.writeZeroes(piece.start, lengthBytes) : view.write(piece.start, bytes));
      filledBytes += lengthBytes;
      options.onProgress?.({ filledBytes, totalBytes });
    },
    plan,
  );
  if (options.flush !== false) await device.flush();
  return { filledBytes, totalBytes };
}

function sourceOf(pattern: FillPattern, view: ByteView, pieceBytesMax: number): Source {
  if (typeof pattern === 'function') return (piece) => call(pattern, view, piece);
  const bytes = typeof pattern === 'number' ? byteOf(pattern) : pattern;
  if (!isBytes(bytes) || bytes.byteLength === 0) {
    throw new BlockError('INVALID_ARGUMENT', 'a pattern must be a byte, a Uint8Array that is not empty, or a function');
  }
  return isZero(bytes) ? undefined : repeat(bytes, pieceBytesMax);
}

function byteOf(value: number): Uint8Array {
  if (Number.isInteger(value) && value >= 0 && value <= 255) return Uint8Array.of(value);
  throw new BlockError('INVALID_ARGUMENT', `a pattern byte must be 0 to 255, not ${value}`);
}

/** One buffer serves all pieces: each is a view that begins in the first repetition, at the byte that its offset calls for. */
function repeat(bytes: Uint8Array, pieceBytesMax: number): Source {
  const period = bytes.byteLength;
  const repeated = new Uint8Array(period + pieceBytesMax);
  for (let at = 0; at < repeated.byteLength; at += period) {
    repeated.set(bytes.subarray(0, repeated.byteLength - at), at);
  }
  return ({ start, end }) => repeated.subarray(start % period, (start % period) + end - start);
}

async function call(
  pattern: (range: SectorRange) => MaybePromise<Uint8Array>,
  view: ByteView,
  { start, end }: Piece,
): Promise<Uint8Array> {
  const range = { start: view.sectorOf(start), count: (end - start) / view.sectorSize };
  const bytes = await pattern(range);
  if (isBytes(bytes) && bytes.byteLength === end - start) return bytes;
  throw new BlockError('INVALID_ARGUMENT', `the pattern of ${range.count} sectors must be ${end - start} bytes`);
}
