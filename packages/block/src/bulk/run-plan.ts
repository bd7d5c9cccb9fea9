import { systemClock } from '../clock.js';
import { BlockError } from '../error.js';
import type { Piece } from './alignment.js';
import type { AbortSignalLike, Plan } from './plan.js';
import { turnsOf } from '../async/yielder.js';

/** What one worker holds on to from piece to piece. */
export interface Worker {
  /** A buffer of the worker's own with room for any piece. The same for the same `number`, made when first asked for. */
  scratch(number?: number): Uint8Array;
  /** Whether there is no use in going on: another piece failed, or the signal fired. */
  isStopped(): boolean;
}

/**
 * Works on `pieces`, up to `plan.concurrency` at once, begun in their order. Ends early when `work` says `'stop'`, fails, or the
 * signal fires; always waits for what is in flight, so that no buffer is still in use, then rejects with the first error.
 */
export async function runParallel<T extends Piece>(
  pieces: AsyncGenerator<T> | Generator<T>,
  work: (piece: T, worker: Worker) => Promise<'stop' | undefined>,
  { concurrency, signal, scratchBytes }: Plan,
): Promise<void> {
  let stopped = false;
  let failure: { readonly error: unknown } | undefined;
  const turns = turnsOf(systemClock);
  const isStopped = () => failure !== undefined || signal?.aborted === true;

  const runWorker = async () => {
    const scratches: Uint8Array[] = [];
    const scratch = (number = 0) => (scratches[number] ??= new Uint8Array(scratchBytes));
    const worker = { scratch, isStopped };
    while (!stopped) {
      checkAborted(signal);
      const next = await pieces.next();
      if (next.done === true || failure !== undefined) return;
      checkAborted(signal);
      if ((await work(next.value, worker)) === 'stop') stopped = true;
      // Devices that finish at once would let nobody else run, nor anybody who would abort.
      await turns.spend(next.value.end - next.value.start);
    }
  };
  const runSafely = async () => {
    try {
      await runWorker();
    } catch (error) {
      failure ??= { error };
      stopped = true;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, runSafely));
  if (failure !== undefined) throw failure.error;
}

function checkAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted === true) throw new BlockError('ABORTED', 'aborted by the caller', { cause: signal.reason });
}
