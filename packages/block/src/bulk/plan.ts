import { show } from '../check.js';
import { checkIntegerBetween, type KnownOptions } from '../check-options.js';
import { BlockError } from '../error.js';
import type { Alignment } from './alignment.js';
import type { ByteView } from './byte-view.js';

/** The part of an `AbortSignal` that is used, so that any runtime's will do. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
}

/** Options of everything that works through a device in parallel. */
export interface ParallelOptions {
  /** Pieces in flight at once, 1 to 1024. Default: 8. */
  readonly maxConcurrency?: number;
  /**
   * Bytes of a piece, at most 1 GiB: a multiple of every device's sector size. Default: the least multiple of every device's
   * `preferredIoBytes` from 1 MiB on.
   */
  readonly pieceBytes?: number;
  /**
   * Stops the work. It rejects with `ABORTED`, the signal's reason as its cause, once what is in flight has settled: an
   * operation that was submitted cannot be cancelled [O4].
   */
  readonly signal?: AbortSignalLike;
}

/** Names of the options that all bulk work has. */
export const KNOWN_PARALLEL: KnownOptions<ParallelOptions> = { maxConcurrency: true, pieceBytes: true, signal: true };

const CONCURRENCY_MAX = 1024;
const PIECE_BYTES_MAX = 1 << 30;
const CONCURRENCY = 8;
const PIECE_BYTES = 1 << 20;

/** Largest grain that follows from two preferred sizes which do not divide each other. */
const GRAIN_BYTES_MAX = 64 << 20;

/** Options, checked and completed. */
export interface Plan {
  readonly alignment: Alignment;
  readonly maxConcurrency: number;
  readonly signal: AbortSignalLike | undefined;
  /** Bytes of a buffer that has room for any piece. */
  readonly scratchBytes: number;
}

/**
 * How to work through views. The last of them, which is the one that is written if one is, sets the boundaries.
 *
 * Throws `INVALID_ARGUMENT`, and `UNALIGNED` if a chunk is not whole sectors of each device.
 */
export function planOf(options: ParallelOptions, lengthBytes: number, ...views: readonly ByteView[]): Plan {
  const { maxConcurrency = CONCURRENCY, signal } = options;
  checkIntegerBetween(maxConcurrency, 'maxConcurrency', 1, CONCURRENCY_MAX);
  checkSignal(signal);
  // Sector sizes are powers of two, so that whole sectors of the largest are whole sectors of each.
  const unitBytes = Math.max(...views.map((view) => view.sectorSize));
  const preferredBytes = preferredGrain(views, unitBytes);
  const { pieceBytes = preferredBytes * Math.ceil(PIECE_BYTES / preferredBytes) } = options;
  checkIntegerBetween(pieceBytes, 'pieceBytes', 1, PIECE_BYTES_MAX);
  if (pieceBytes % unitBytes !== 0) {
    throw new BlockError('UNALIGNED', `pieceBytes ${pieceBytes} is not whole sectors of ${unitBytes} bytes`);
  }
  const offsetBytes = views.at(-1)?.offsetBytes ?? 0;
  const alignment = {
    grainBytes: greatestCommonDivisor(pieceBytes, preferredBytes),
    pieceBytes,
    // Boundaries inside the other device's sectors would be of no use to it.
    phaseBytes: offsetBytes % unitBytes === 0 ? offsetBytes % pieceBytes : 0,
  };
  const scratchBytes = Math.min(pieceBytes, Math.ceil(lengthBytes / unitBytes) * unitBytes);
  return { alignment, maxConcurrency, signal, scratchBytes };
}

/** Anything with `aborted` to look at. */
function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  if (typeof signal === 'object' && signal !== null && typeof (signal as AbortSignalLike).aborted === 'boolean') return;
  throw new BlockError('INVALID_ARGUMENT', `signal must be an AbortSignal, not ${show(signal)}`);
}

/**
 * A multiple of what every device prefers; failing that, of what the one that is written prefers; failing that, whole sectors.
 */
function preferredGrain(views: readonly ByteView[], unitBytes: number): number {
  const preferred = views.map((view) => view.device.info.preferredIoBytes);
  const forAll = preferred.reduce(leastCommonMultiple, unitBytes);
  if (forAll <= GRAIN_BYTES_MAX) return forAll;
  const forLast = leastCommonMultiple(preferred.at(-1) ?? unitBytes, unitBytes);
  return forLast <= GRAIN_BYTES_MAX ? forLast : unitBytes;
}

function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
