import { firstDifference } from '../buffers.js';
import { checkInteger } from '../check.js';
import { checkBoolean, checkDevice, checkFunction, checkOptionNames, type KnownOptions } from '../check-options.js';
import type { BlockDevice } from '../contract.js';
import type { MaybePromise } from '../maybe-promise.js';
import { type Alignment, alignedRuns, type Piece, split } from './alignment.js';
import { ByteView } from './byte-view.js';
import { KNOWN_PARALLEL, type ParallelOptions, planOf } from './plan.js';
import { runPieces, type Worker } from './run-pieces.js';

/** How far a comparison is. */
export interface CompareProgress {
  /** Bytes looked at, or known to be zero on both sides. */
  readonly comparedBytes: number;
  readonly totalBytes: number;
}

/** The first byte in which two devices differ. */
export interface Difference {
  /** Counted from the start of the two ranges. */
  readonly offsetBytes: number;
  /** The sector of `a` that holds it, or would hold it if `a` went on. */
  readonly sectorOfA: number;
  /** The sector of `b` that holds it, or would hold it if `b` went on. */
  readonly sectorOfB: number;
}

/** Whether two devices have the same contents, and where not. */
export interface CompareResult {
  readonly equal: boolean;
  /** Only if they are not equal. One that ends before the other differs there at the latest, `ignoreZeroTail` aside. */
  readonly firstDifference?: Difference;
  /** Bytes that were compared; less than all if a difference was found. */
  readonly comparedBytes: number;
}

/** Options of {@link compare}. */
export interface CompareOptions extends ParallelOptions {
  /** First byte of `a`: whole sectors of it. Default: 0. */
  readonly aOffsetBytes?: number;
  /** First byte of `b`: whole sectors of it. Default: 0. */
  readonly bOffsetBytes?: number;
  /** Bytes to compare: whole sectors of both. Default: the rest of each. */
  readonly lengthBytes?: number;
  /** Take what is longer for equal if the rest of it reads as zeroes. Default: false. */
  readonly ignoreZeroTail?: boolean;
  /** Told after every piece. What it throws ends the comparison. */
  readonly onProgress?: (progress: CompareProgress) => void;
}

const KNOWN: KnownOptions<CompareOptions> = {
  ...KNOWN_PARALLEL,
  aOffsetBytes: true,
  bOffsetBytes: true,
  lengthBytes: true,
  ignoreZeroTail: true,
  onProgress: true,
};

function checkOptions(options: CompareOptions): void {
  checkOptionNames(options, KNOWN);
  for (const name of ['aOffsetBytes', 'bOffsetBytes', 'lengthBytes'] as const) {
    if (options[name] !== undefined) checkInteger(options[name], name);
  }
  if (options.ignoreZeroTail !== undefined) checkBoolean(options.ignoreZeroTail, 'ignoreZeroTail');
  if (options.onProgress !== undefined) checkFunction(options.onProgress, 'onProgress');
}

/**
 * Compares two devices, or ranges of them, in parallel, without reading what both know to be zero. Stops at the first
 * difference.
 *
 * Holds at most twice `pieceBytes` times `maxConcurrency` of data. Sector sizes may differ. What is written to either meanwhile
 * may or may not be seen.
 *
 * Rejects with `INVALID_ARGUMENT`, `UNALIGNED`, `OUT_OF_BOUNDS`, `ABORTED`, or with the first error of a device, after
 * everything in flight has settled.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { compare } from '@blockyard/block';
 *
 * const a = await connectMemory({ sizeSectors: 16 });
 * const b = await connectMemory({ sizeSectors: 16 });
 * await b.write(5, [new Uint8Array(512).fill(1)]);
 * const { equal, firstDifference } = await compare(a, b);
 * console.log(equal, firstDifference?.offsetBytes); // false 2560
 * ```
 */
export async function compare(a: BlockDevice, b: BlockDevice, options: CompareOptions = {}): Promise<CompareResult> {
  checkDevice(a, 'a');
  checkDevice(b, 'b');
  checkOptions(options);
  const viewA = new ByteView(a, options.aOffsetBytes, options.lengthBytes);
  const viewB = new ByteView(b, options.bOffsetBytes, options.lengthBytes);
  const longer = Math.max(viewA.lengthBytes, viewB.lengthBytes);
  const shorter = Math.min(viewA.lengthBytes, viewB.lengthBytes);
  const totalBytes = options.ignoreZeroTail === true ? longer : shorter;
  const plan = planOf(options, totalBytes, viewA, viewB);
  const comparing = new Comparing(viewA, viewB, plan.alignment, totalBytes, options);
  await runPieces(
    comparing.pieces(),
    (piece, worker) => comparing.work(piece, worker),
    plan,
    () => comparing.isDifferent,
  );
  return comparing.result(totalBytes < longer ? totalBytes : undefined);
}

interface ComparePiece extends Piece {
  /** Whether all of it is known to be zero in `a`. */
  readonly zeroInA: boolean;
}

class Comparing {
  readonly #a: ByteView;
  readonly #b: ByteView;
  readonly #alignment: Alignment;
  readonly #totalBytes: number;
  readonly #options: CompareOptions;
  #comparedBytes = 0;
  #differenceAt = Number.POSITIVE_INFINITY;

  constructor(a: ByteView, b: ByteView, alignment: Alignment, totalBytes: number, options: CompareOptions) {
    this.#a = a;
    this.#b = b;
    this.#alignment = alignment;
    this.#totalBytes = totalBytes;
    this.#options = options;
  }

  /** Whether a difference was found. */
  get isDifferent(): boolean {
    return this.#differenceAt < Number.POSITIVE_INFINITY;
  }

  /** `endsAt`: where one side ends before the other, if that is a difference. */
  result(endsAt = Number.POSITIVE_INFINITY): CompareResult {
    const comparedBytes = this.#comparedBytes;
    const offsetBytes = Math.min(this.#differenceAt, endsAt);
    if (offsetBytes === Number.POSITIVE_INFINITY) return { equal: true, comparedBytes };
    const sectorOfA = this.#a.sectorOf(offsetBytes);
    const sectorOfB = this.#b.sectorOf(offsetBytes);
    return { equal: false, firstDifference: { offsetBytes, sectorOfA, sectorOfB }, comparedBytes };
  }

  /** Everything that must be read, ascending: so what comes before a piece is done or in flight when the piece begins. */
  async *pieces(): AsyncGenerator<ComparePiece> {
    for await (const run of alignedRuns(this.#a, 0, this.#totalBytes, this.#alignment)) {
      if (!run.zero) {
        for (const piece of split(run, this.#alignment)) yield { ...piece, zeroInA: false };
        continue;
      }
      for await (const { start, end, zero } of alignedRuns(this.#b, run.start, run.end, this.#alignment)) {
        if (zero) this.#report(end - start);
        else for (const piece of split({ start, end }, this.#alignment)) yield { ...piece, zeroInA: true };
      }
    }
  }

  async work(piece: ComparePiece, worker: Worker): Promise<void> {
    const zeroInB = !piece.zeroInA && (await this.#b.isKnownZero(piece.start, piece.end));
    const [bytesA, bytesB] = await both(
      bytesOf(this.#a, piece, piece.zeroInA, worker.scratch(0)),
      bytesOf(this.#b, piece, zeroInB, worker.scratch(1)),
    );
    const at = firstDifference(bytesA, bytesB);
    if (at === undefined) this.#report(piece.end - piece.start);
    else this.#differenceAt = Math.min(this.#differenceAt, piece.start + at);
  }

  #report(bytes: number): void {
    this.#comparedBytes += bytes;
    this.#options.onProgress?.({ comparedBytes: this.#comparedBytes, totalBytes: this.#totalBytes });
  }
}

function bytesOf(view: ByteView, { start, end }: Piece, zero: boolean, scratch: Uint8Array): MaybePromise<Uint8Array> {
  return zero ? scratch.subarray(0, end - start).fill(0) : view.read(start, end - start, scratch);
}

/** Both values; or, once both have settled and so no buffer is still in use, the first error. */
async function both<T>(first: MaybePromise<T>, second: MaybePromise<T>): Promise<[T, T]> {
  await Promise.allSettled([first, second]);
  return [await first, await second];
}
