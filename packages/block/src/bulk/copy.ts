import { isZero } from '../buffers.js';
import { checkInteger } from '../check.js';
import { checkBoolean, checkDevice, checkFunction, checkOptionNames, type KnownOptions } from '../check-options.js';
import type { BlockDevice } from '../contract.js';
import { BlockError } from '../error.js';
import { type Alignment, alignedRuns, type Piece, split, splitZeroes } from './alignment.js';
import { type ByteRun, ByteView } from './byte-view.js';
import { KNOWN_PARALLEL, type ParallelOptions, planOf } from './plan.js';
import { runPieces, type Worker } from './run-pieces.js';

/** How far a copy is. */
export interface CopyProgress {
  /** Bytes read from the source and written to the target. */
  readonly copiedBytes: number;
  /** Bytes that are zero, and were made so or were so already on the target. */
  readonly zeroBytes: number;
  /** Bytes to go through: the other two together when all is done. */
  readonly totalBytes: number;
}

export interface CopyOptions extends ParallelOptions {
  /** First byte to read: whole sectors of the source. Default: 0. */
  readonly fromOffsetBytes?: number;
  /** First byte to write: whole sectors of the target. Default: 0. */
  readonly toOffsetBytes?: number;
  /** Bytes to copy: whole sectors of both. Default: the rest of the source. */
  readonly lengthBytes?: number;
  /** Look for zeroes in the data that was read, and zero them on the target rather than write them. Default: true. */
  readonly detectZeroes?: boolean;
  /** Flush the target at the end. Default: true. */
  readonly flush?: boolean;
  /** Told after every piece. What it throws ends the copy. */
  readonly onProgress?: (progress: CopyProgress) => void;
}

const KNOWN: KnownOptions<CopyOptions> = {
  ...KNOWN_PARALLEL,
  fromOffsetBytes: true,
  toOffsetBytes: true,
  lengthBytes: true,
  detectZeroes: true,
  flush: true,
  onProgress: true,
};

function checkOptions(options: CopyOptions): void {
  checkOptionNames(options, KNOWN);
  for (const name of ['fromOffsetBytes', 'toOffsetBytes', 'lengthBytes'] as const) {
    if (options[name] !== undefined) checkInteger(options[name], name);
  }
  for (const name of ['detectZeroes', 'flush'] as const) {
    if (options[name] !== undefined) checkBoolean(options[name], name);
  }
  if (options.onProgress !== undefined) checkFunction(options.onProgress, 'onProgress');
}

/**
 * Copies `from` to `to`, in parallel, without reading what the source knows to be zero and without touching what the target
 * knows to be. Zero runs count as far as they cover whole blocks of the size that both devices prefer.
 *
 * Holds at most `chunkBytes` times `concurrency` of data. The sector sizes may differ. The target may be larger; what lies
 * behind the copy stays as it is. What is written to the source meanwhile may or may not be copied.
 *
 * Rejects, before anything was changed, with `INVALID_ARGUMENT` (also for a copy of a device onto another, overlapping place of
 * itself), `UNALIGNED`, `OUT_OF_BOUNDS` (a target that is too small), `READ_ONLY`; later with `ABORTED` or with the first error
 * of a device, after everything in flight has settled. Then the target holds any mixture of old and new sectors.
 */
export async function copy(from: BlockDevice, to: BlockDevice, options: CopyOptions = {}): Promise<CopyProgress> {
  checkDevice(from, 'from');
  checkDevice(to, 'to');
  checkOptions(options);
  const source = new ByteView(from, options.fromOffsetBytes, options.lengthBytes);
  const target = new ByteView(to, options.toOffsetBytes, source.lengthBytes);
  const plan = planOf(options, source.lengthBytes, source, target);
  if (to.info.readOnly) throw new BlockError('READ_ONLY', `cannot copy to ${to.info.name}, which is read-only`);
  refuseOverlap(source, target);
  const copying = new Copying(source, target, plan.alignment, options);
  await runPieces(copying.pieces(), (piece, worker) => copying.work(piece, worker), plan);
  if (options.flush !== false) await to.flush();
  return copying.progress;
}

/** Pieces of an overlap are copied in no particular order, so that some would be overwritten before they are read. */
function refuseOverlap(source: ByteView, target: ByteView): void {
  const distanceBytes = Math.abs(source.offsetBytes - target.offsetBytes);
  if (source.device !== target.device || distanceBytes === 0 || distanceBytes >= source.lengthBytes) return;
  throw new BlockError(
    'INVALID_ARGUMENT',
    `cannot copy ${source.device.info.name} onto an overlapping range of itself`,
  );
}

interface CopyPiece extends Piece {
  readonly zero: boolean;
}

class Copying {
  readonly #source: ByteView;
  readonly #target: ByteView;
  readonly #alignment: Alignment;
  readonly #options: CopyOptions;
  #copiedBytes = 0;
  #zeroBytes = 0;

  constructor(source: ByteView, target: ByteView, alignment: Alignment, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#alignment = alignment;
    this.#options = options;
  }

  get progress(): CopyProgress {
    return { copiedBytes: this.#copiedBytes, zeroBytes: this.#zeroBytes, totalBytes: this.#source.lengthBytes };
  }

  /** Everything there is to do, ascending. What is zero on both sides is nothing to do. */
  async *pieces(): AsyncGenerator<CopyPiece> {
    for await (const run of alignedRuns(this.#source, 0, this.#source.lengthBytes, this.#alignment)) {
      if (!run.zero) {
        for (const piece of split(run, this.#alignment)) yield { ...piece, zero: false };
        continue;
      }
      for await (const { start, end, zero } of alignedRuns(this.#target, run.start, run.end, this.#alignment)) {
        if (zero) this.#report(0, end - start);
        else
          for (const piece of splitZeroes(this.#target.device, { start, end }, this.#alignment))
            yield { ...piece, zero: true };
      }
    }
  }

  async work(piece: CopyPiece, worker: Worker): Promise<void> {
    const lengthBytes = piece.end - piece.start;
    if (piece.zero) {
      await this.#target.discard(piece.start, lengthBytes);
      this.#report(0, lengthBytes);
      return;
    }
    const bytes = await this.#source.read(piece.start, lengthBytes, worker.scratch());
    for (const run of this.#runsIn(piece, bytes)) {
      if (worker.isStopped()) return;
      if (run.zero) await this.#zero(run);
      else await this.#target.write(run.start, bytes.subarray(run.start - piece.start, run.end - piece.start));
      this.#report(run.zero ? 0 : run.end - run.start, run.zero ? run.end - run.start : 0);
    }
  }

  /** Runs of whole grains that are zero, and of those that are not, in what was read. */
  *#runsIn(piece: Piece, bytes: Uint8Array): Generator<ByteRun> {
    if (this.#options.detectZeroes === false) {
      yield { ...piece, zero: false };
      return;
    }
    let run: ByteRun | undefined;
    for (const { start, end } of split(piece, this.#alignment, this.#alignment.grainBytes)) {
      const zero = isZero(bytes.subarray(start - piece.start, end - piece.start));
      if (run !== undefined && run.zero !== zero) yield run;
      run = { start: run?.zero === zero ? run.start : start, end, zero };
    }
    if (run !== undefined) yield run;
  }

  /** Zeroes what the target does not know to be zero. */
  async #zero({ start, end }: Piece): Promise<void> {
    for await (const run of alignedRuns(this.#target, start, end, this.#alignment)) {
      if (!run.zero) await this.#target.discard(run.start, run.end - run.start);
    }
  }

  #report(copiedBytes: number, zeroBytes: number): void {
    this.#copiedBytes += copiedBytes;
    this.#zeroBytes += zeroBytes;
    this.#options.onProgress?.(this.progress);
  }
}
