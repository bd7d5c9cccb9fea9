import { firstDifference, isZero } from '../buffers.js';
import { checkInteger } from '../check.js';
import { checkBoolean, checkDevice, checkFunction, checkOptionNames, type KnownOptions } from '../check-options.js';
import type { BlockDevice } from '../contract.js';
import { BlockError } from '../error.js';
import { type Alignment, alignedRuns, type Piece, split, splitZeroes } from './alignment.js';
import { ByteView } from './byte-view.js';
import { KNOWN_PARALLEL, type ParallelOptions, planOf } from './plan.js';
import { runPieces, type Worker } from './run-pieces.js';

/** How far a copy is. */
export interface CopyProgress {
  /** Bytes read from the source and written to the target. */
  readonly copiedBytes: number;
  /** Bytes that are zero, and were made so or were so already on the target. */
  readonly zeroBytes: number;
  /** Bytes that the target had already, with `skipEqual`. */
  readonly equalBytes: number;
  /** Bytes to go through: the other three together when all is done. */
  readonly totalBytes: number;
}

/** Options of {@link copy}. */
export interface CopyOptions extends ParallelOptions {
  /** First byte to read: whole sectors of the source. Default: 0. */
  readonly fromOffsetBytes?: number;
  /** First byte to write: whole sectors of the target. Default: 0. */
  readonly toOffsetBytes?: number;
  /** Bytes to copy: whole sectors of both. Default: the rest of the source. */
  readonly lengthBytes?: number;
  /** Look for zeroes in the data that was read, and zero them on the target rather than write them. Default: true. */
  readonly detectZeroes?: boolean;
  /**
   * Read the target too, where it is not known to be zero, and leave alone what is equal there: to go on with a copy that was
   * interrupted, or to change little of what is shared. Default: false.
   */
  readonly skipEqual?: boolean;
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
  skipEqual: true,
  flush: true,
  onProgress: true,
};

function checkOptions(options: CopyOptions): void {
  checkOptionNames(options, KNOWN);
  for (const name of ['fromOffsetBytes', 'toOffsetBytes', 'lengthBytes'] as const) {
    if (options[name] !== undefined) checkInteger(options[name], name);
  }
  for (const name of ['detectZeroes', 'skipEqual', 'flush'] as const) {
    if (options[name] !== undefined) checkBoolean(options[name], name);
  }
  if (options.onProgress !== undefined) checkFunction(options.onProgress, 'onProgress');
}

/**
 * Copies `from` to `to`, in parallel, without reading what the source knows to be zero and without touching what the target
 * knows to be. Zero runs count as far as they cover whole blocks of the size that both devices prefer.
 *
 * Holds at most `pieceBytes` times `maxConcurrency` of data, twice that with `skipEqual`. The sector sizes may differ. The target may be larger; what lies
 * behind the copy stays as it is. What is written to the source meanwhile may or may not be copied.
 *
 * Rejects, before anything was changed, with `INVALID_ARGUMENT` (also for a copy of a device onto another, overlapping place of
 * itself), `UNALIGNED`, `OUT_OF_BOUNDS` (a target that is too small), `READ_ONLY`; later with `ABORTED` or with the first error
 * of a device, after everything in flight has settled. Then the target holds any mixture of old and new sectors.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { compare, copy } from '@blockyard/block';
 *
 * const from = await connectMemory({ sizeSectors: 2048 });
 * await from.write(100, [new Uint8Array(512).fill(1)]);
 * const to = await connectMemory({ sizeSectors: 2048 });
 * const { copiedBytes, totalBytes } = await copy(from, to); // of zeroes nothing is copied
 * console.log(copiedBytes, totalBytes); // 65536 1048576
 * console.log((await compare(from, to)).equal); // true
 * ```
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

/** What is to be done with a run of what was read. */
type RunKind = 'data' | 'zero' | 'equal';

interface CopyRun extends Piece {
  readonly kind: RunKind;
}

class Copying {
  readonly #source: ByteView;
  readonly #target: ByteView;
  readonly #alignment: Alignment;
  readonly #options: CopyOptions;
  #copiedBytes = 0;
  #zeroBytes = 0;
  #equalBytes = 0;

  constructor(source: ByteView, target: ByteView, alignment: Alignment, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#alignment = alignment;
    this.#options = options;
  }

  get progress(): CopyProgress {
    return {
      copiedBytes: this.#copiedBytes,
      zeroBytes: this.#zeroBytes,
      equalBytes: this.#equalBytes,
      totalBytes: this.#source.lengthBytes,
    };
  }

  /** Everything there is to do, ascending. What is zero on both sides is nothing to do. */
  async *pieces(): AsyncGenerator<CopyPiece> {
    for await (const run of alignedRuns(this.#source, 0, this.#source.lengthBytes, this.#alignment)) {
      if (!run.zero) {
        for (const piece of split(run, this.#alignment)) yield { ...piece, zero: false };
        continue;
      }
      for await (const { start, end, zero } of alignedRuns(this.#target, run.start, run.end, this.#alignment)) {
        if (zero) this.#report('zero', end - start);
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
      this.#report('zero', lengthBytes);
      return;
    }
    const bytes = await this.#source.read(piece.start, lengthBytes, worker.scratch(0));
    const present = await this.#presentIn(piece, worker);
    for (const run of this.#runsIn(piece, bytes, present)) {
      if (worker.isStopped()) return;
      if (run.kind === 'zero') await this.#zero(run);
      if (run.kind === 'data') await this.#target.write(run.start, within(bytes, piece, run));
      this.#report(run.kind, run.end - run.start);
    }
  }

  /** What the target has there, where that matters and may be more than zeroes. */
  async #presentIn({ start, end }: Piece, worker: Worker): Promise<Uint8Array | undefined> {
    if (this.#options.skipEqual !== true || (await this.#target.isKnownZero(start, end))) return undefined;
    return this.#target.read(start, end - start, worker.scratch(1));
  }

  /** Runs of whole grains of one kind in what was read. */
  *#runsIn(piece: Piece, bytes: Uint8Array, present: Uint8Array | undefined): Generator<CopyRun> {
    const { detectZeroes = true } = this.#options;
    if (!detectZeroes && present === undefined) {
      yield { ...piece, kind: 'data' };
      return;
    }
    let run: CopyRun | undefined;
    for (const grain of split(piece, this.#alignment, this.#alignment.grainBytes)) {
      const found = within(bytes, piece, grain);
      const isEqual = present !== undefined && firstDifference(found, within(present, piece, grain)) === undefined;
      const kind = isEqual ? 'equal' : detectZeroes && isZero(found) ? 'zero' : 'data';
      if (run !== undefined && run.kind !== kind) yield run;
      run = { start: run?.kind === kind ? run.start : grain.start, end: grain.end, kind };
    }
    if (run !== undefined) yield run;
  }

  /** Zeroes what the target does not know to be zero. */
  async #zero({ start, end }: Piece): Promise<void> {
    for await (const run of alignedRuns(this.#target, start, end, this.#alignment)) {
      if (!run.zero) await this.#target.discard(run.start, run.end - run.start);
    }
  }

  #report(kind: RunKind, bytes: number): void {
    if (kind === 'data') this.#copiedBytes += bytes;
    else if (kind === 'zero') this.#zeroBytes += bytes;
    else this.#equalBytes += bytes;
    this.#options.onProgress?.(this.progress);
  }
}

/** The bytes of a part of a piece. */
function within(bytes: Uint8Array, piece: Piece, part: Piece): Uint8Array {
  return bytes.subarray(part.start - piece.start, part.end - piece.start);
}
