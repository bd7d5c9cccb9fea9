import { forEachParallel } from '../async/for-each-parallel.js';
import { yielderOf } from '../async/yielder.js';
import { systemClock } from '../clock.js';
import { BlockError } from '../error.js';
import type { Piece } from './alignment.js';
import type { AbortSignalLike, Plan } from './plan.js';

/** What one worker keeps from piece to piece. */
export interface Worker {
  /** A buffer of the worker's own with room for any piece. The same for the same `number`, made when first asked for. */
  scratch(number?: number): Uint8Array;
  /** Whether to go on is pointless: another piece failed, or the signal fired. */
  isStopped(): boolean;
}

/**
 * Works on `pieces`, up to `plan.maxConcurrency` at once, begun in their order. Begins no more once `isDone` says so, after a
 * failure, and when the signal has fired. It always waits for what is in flight, so that no buffer is still in use, then
 * rejects with the first error.
 */
export async function runPieces<T extends Piece>(
  pieces: AsyncIterable<T> | Iterable<T>,
  work: (piece: T, worker: Worker) => Promise<void>,
  { maxConcurrency, signal, scratchBytes }: Plan,
  isDone: () => boolean = () => false,
): Promise<void> {
  let hasFailed = false;
  const yielder = yielderOf(systemClock);
  const isStopped = () => hasFailed || signal?.aborted === true;
  const workers: Worker[] = [];
  const workerOf = (number: number): Worker => (workers[number] ??= makeWorker(scratchBytes, isStopped));
  const options = { maxConcurrency, throwIfStopped: () => throwIfAborted(signal), isDone };
  await forEachParallel(pieces, options, async (piece, number) => {
    try {
      await work(piece, workerOf(number));
    } catch (error) {
      hasFailed = true;
      throw error;
    }
    // Devices that finish at once would let nothing else run, nor anyone abort.
    await yielder.spend(piece.end - piece.start);
  });
}

function makeWorker(scratchBytes: number, isStopped: () => boolean): Worker {
  const scratches: Uint8Array[] = [];
  return { scratch: (number = 0) => (scratches[number] ??= new Uint8Array(scratchBytes)), isStopped };
}

function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted === true) throw new BlockError('ABORTED', 'aborted by the caller', { cause: signal.reason });
}
