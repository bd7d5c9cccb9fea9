import { type Clock, isBlockError } from '@blockyard/block';
import type { Fetcher, FetchWaiter, LineFetch } from '../base/fetcher.js';
import { type Latencies, timed } from '../base/latencies.js';
import type { Geometry } from '../lines/geometry.js';
import type { Lender } from '../lines/lender.js';
import type { Lines } from '../lines/lines.js';
import type { Admission } from '../memory/admission.js';
import { type Entry, type Line, NO_ENTRY, type Sector } from '../tables/numbers.js';
import type { Gap } from '../tables/sector-masks.js';
import type { ZeroRanges } from '../unwritten/zero-ranges.js';
import type { FetchWidth } from './fetch-width.js';
import { QueuedRequest } from './queued-request.js';
import { RequestRange } from './request-range.js';

/** What a read works with. */
export interface ReadContext {
  readonly geometry: Geometry;
  readonly lines: Lines;
  readonly zeroes: ZeroRanges;
  readonly fetcher: Fetcher;
  readonly fetchWidth: FetchWidth;
  readonly lender: Lender;
  readonly counts: ReadCounts;
  readonly clock: Clock;
  readonly latencies: Latencies;
  readonly admission: Admission;
}

export interface ReadCounts {
  /** Lines that requests asked for, and how many of them were answered from memory. */
  lookups: number;
  hits: number;
}

/** The part of a request that lies in one line, in sectors of the line. */
interface Piece {
  readonly line: Line;
  readonly from: number;
  readonly to: number;
  /** Whether its use was counted. */
  counted: boolean;
  /** After the fetch of another request, or a wider one, failed: fetch no more than is needed, and believe the next failure. */
  alone: boolean;
}

/**
 * One read. Lines in memory are copied at once; absent ones are fetched, a run of neighbours by one read of the base, all runs
 * in parallel; where memory runs out the request joins the queue and later goes on where it stopped.
 */
export class ReadRequest extends QueuedRequest {
  readonly kind = 'read';
  readonly #context: ReadContext;
  readonly #range: RequestRange;
  /** Whether it is about more than one line. */
  readonly #isLong: boolean;
  /** Pieces to be looked at again. */
  readonly #again: Piece[] = [];
  /** Pieces that a fetch is under way for. */
  #pending = 0;
  #error: unknown;
  #failed = false;
  /** Ends the timing of a read that is not over at once. */
  #waited: (() => void) | undefined;

  constructor(context: ReadContext, start: Sector, count: number, buffers: readonly Uint8Array[]) {
    super(context.admission);
    this.#context = context;
    this.#range = new RequestRange(context.geometry, start, count, buffers);
    const end = (start + count) as Sector;
    this.#isLong = context.geometry.lineOf(start) < context.geometry.lastLine(end);
  }

  /** Begins. Undefined if everything was in memory. */
  run(): Promise<void> | undefined {
    this.#goOn();
    if (this.#isOver) return this.#failed ? Promise.reject(this.#error) : undefined;
    this.#waited = timed(this.#context.clock, this.#context.latencies.readWait);
    return this.outcome();
  }

  advance(): boolean {
    const run: LineFetch[] = [];
    let done = true;
    try {
      done = this.#advanceThrough(run);
    } catch (error) {
      this.#giveUp(error);
    }
    // Others may wait for these by now, whether this request completes or fails.
    this.#context.fetcher.issue(run);
    if (done) this.leave();
    this.#settleIfOver();
    return done;
  }

  fail(error: unknown): void {
    this.leave();
    this.#giveUp(error);
    this.#settleIfOver();
  }

  get #isOver(): boolean {
    const nothingLeft = this.#again.length === 0 && this.#range.isOver;
    return this.#pending === 0 && !this.isQueued && (nothingLeft || this.#failed);
  }

  #goOn(): void {
    if (!this.isQueued && !this.advance()) this.join();
  }

  #settleIfOver(): void {
    if (this.#waited === undefined || !this.#isOver) return;
    this.#waited();
    this.#waited = undefined;
    if (this.#failed) this.reject(this.#error);
    else this.complete();
  }

  /** Serves piece after piece. False where there was no memory for the next one. */
  #advanceThrough(run: LineFetch[]): boolean {
    for (let piece = this.#again[0]; piece !== undefined && !this.#failed; piece = this.#again[0]) {
      if (!this.#serve(piece, run)) return false;
      this.#again.shift();
    }
    for (const range = this.#range; !this.#failed && !range.isOver; range.next()) {
      const { line, from, to } = range;
      if (!this.#serve({ line, from, to, counted: false, alone: false }, run)) return false;
    }
    return true;
  }

  /** Copies a piece, or has it fetched. False if there is no memory for it now. */
  #serve(piece: Piece, run: LineFetch[]): boolean {
    const { lines, counts } = this.#context;
    const entry = lines.find(piece.line);
    if (!piece.counted) counts.lookups++;
    if (this.#copy(entry, piece)) {
      if (!piece.counted) {
        counts.hits++;
        if (entry >= 0) lines.touch(entry);
      }
      return true;
    }
    const found = this.#fetch(entry, piece, run);
    if (!found && !piece.counted) counts.lookups--;
    return found;
  }

  #fetch(entry: Entry, piece: Piece, run: LineFetch[]): boolean {
    const { lines, fetcher } = this.#context;
    const underWay = entry >= 0 ? fetcher.toAwait(entry, piece.line, piece.from, piece.to) : undefined;
    if (underWay !== undefined) {
      const shared = fetcher.willCover(underWay, piece.from, piece.to);
      // What fails here may be sectors that only another asks for.
      const exact = underWay.from >= piece.from && underWay.to <= piece.to;
      const retry = !shared || underWay.speculative ? 'always' : exact ? 'never' : 'unless-transient';
      underWay.waiters.push(this.#waiterFor(piece, retry));
    } else {
      const target = entry >= 0 ? this.#movedIfLent(entry) : this.#admit(piece.line);
      if (target < 0) return false;
      this.#addToRun(run, target, piece);
    }
    if (entry >= 0 && !piece.counted) lines.touch(entry);
    piece.counted = true;
    this.#pending++;
    return true;
  }

  /** Memory for an absent line, unless an earlier request waits for some. */
  #admit(line: Line): Entry {
    return this.isNext ? this.#context.lines.admit(line, false) : NO_ENTRY;
  }

  /** The entry, in a slot that the base may write to; -1 if there is no memory for another one now. */
  #movedIfLent(entry: Entry): Entry {
    const { lines, lender } = this.#context;
    if (!lender.hasLent(entry)) return entry;
    return this.isNext && lines.relocate(entry) ? entry : NO_ENTRY;
  }

  /** Begins a fetch of the line, or of a part of it, as a part of the run if it follows on it. */
  #addToRun(run: LineFetch[], entry: Entry, piece: Piece): void {
    const { fetcher, fetchWidth } = this.#context;
    const { line, from, to } = piece;
    const [low, high, left] = piece.alone ? [from, to] : fetchWidth.choose(entry, line, from, to, this.#isLong);
    const fetch = fetcher.prepare(entry, line, low, high, false, left);
    const exact = fetch.from >= piece.from && fetch.to <= piece.to;
    const last = run.at(-1);
    if (last !== undefined && (piece.alone || last.line + 1 !== line)) {
      fetcher.issue(run.splice(0));
    }
    fetch.waiters.push(this.#waiterFor(piece, exact ? 'never' : 'unless-transient'));
    run.push(fetch);
    if (piece.alone) fetcher.issue(run.splice(0));
  }

  /** `retry`: a fetch that asks for more than this piece, or for another request, may fail where the piece alone would not. */
  #waiterFor(piece: Piece, retry: 'never' | 'unless-transient' | 'always'): FetchWaiter {
    return (failure) => {
      this.#pending--;
      const mayRetry = retry === 'always' || (retry === 'unless-transient' && !isTransient(failure));
      if (failure !== undefined && mayRetry && !this.#context.fetcher.hasEnded) {
        piece.alone = true;
        this.#again.push(piece);
      } else if (!this.#copy(this.#context.lines.find(piece.line), piece)) {
        if (failure === undefined) this.#again.push(piece);
        else this.#giveUp(failure);
      }
      this.#goOnOrSettle();
    };
  }

  #goOnOrSettle(): void {
    this.#goOn();
    this.#settleIfOver();
  }

  #giveUp(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#error = error;
  }

  /** Copies a piece if every sector of it is in memory or known to be zero. Gives up where the caller's memory is gone. */
  #copy(entry: Entry, piece: Piece): boolean {
    try {
      return this.#copyIfThere(entry, piece);
    } catch (error) {
      this.#giveUp(error);
      return true;
    }
  }

  #copyIfThere(entry: Entry, { line, from, to }: Piece): boolean {
    const { geometry, lines, zeroes } = this.#context;
    const { buffers } = this.#range;
    if (entry >= 0 && lines.valid.covers(entry, from, to)) {
      lines.copyOut(entry, from, to, buffers, this.#range.byteOf(line, from));
      return true;
    }
    if (zeroes.isEmpty) return false;
    const gaps: Gap[] = entry < 0 ? [[from, to]] : lines.valid.gaps(entry, from, to);
    const isZero = ([start, end]: Gap) => zeroes.covers(geometry.sectorOf(line, start), geometry.sectorOf(line, end));
    if (!gaps.every(isZero)) return false;
    let done = from;
    for (const [start, end] of [...gaps, [to, to] satisfies Gap]) {
      if (start > done) lines.copyOut(entry, done, start, buffers, this.#range.byteOf(line, done));
      buffers.fillZero(this.#range.byteOf(line, start), (end - start) * geometry.sectorSize);
      done = end;
    }
    return true;
  }
}

/** Failures of the way to the base, not of some sectors: a narrower read would fail likewise, only later. */
function isTransient(error: unknown): boolean {
  return isBlockError(error) && error.retryable;
}
