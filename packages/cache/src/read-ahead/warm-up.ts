import type { Clock } from '@blockyard/block';
import { LONG_CALL_BYTES, type Yielder } from '@blockyard/block/async';
import type { BaseCalls } from '../base/base-calls.js';
import type { Fetcher, FetchWaiter, LineFetch } from '../base/fetcher.js';
import type { Geometry } from '../lines/geometry.js';
import type { Lender } from '../lines/lender.js';
import type { Lines } from '../lines/lines.js';
import { type Line, NO_ENTRY, type Sector } from '../tables/numbers.js';
import type { ZeroRanges } from '../unwritten/zero-ranges.js';
import type { LinesAhead } from './lines-ahead.js';
import type { HotRange, ReadPlan } from './read-plan.js';
import type { WarmUpOptions } from './warm-up-options.js';

/** While a request waits for memory, or enough lines are on their way in, a warm-up looks again after this. */
const BLOCKED_REST_MS = 10;
/** A base that took long to answer must not put a warm-up to sleep. */
const REST_MS_MAX = 5000;

/** What a warm-up works with. */
export interface WarmUpContext {
  readonly base: Pick<BaseCalls, 'begun' | 'inFlight'>;
  readonly geometry: Geometry;
  readonly lines: Lines;
  readonly lender: Lender;
  readonly zeroes: ZeroRanges;
  readonly fetcher: Fetcher;
  readonly linesAhead: LinesAhead;
  readonly clock: Clock;
  readonly yielder: Yielder;
  /** Sectors of the device as it is now. */
  readonly deviceSectors: Sector;
}

/** What all warm-ups of a cache have done. */
export interface WarmUpCounts {
  reads: number;
  readsInFlight: number;
  readBytes: number;
  /** Lines that they brought in, and those of them that requests asked for. */
  lines: number;
  linesUsed: number;
  /** Those that ended since a read failed. */
  failures: number;
}

/** How a warm-up ended, and what it did. */
export interface WarmUpResult {
  /**
   * `complete`: all was brought in that was not there. `full`: there was no more room that others had left. `failed`: a read of
   * the base failed. `disconnected`: the cache ended before.
   */
  readonly outcome: 'complete' | 'full' | 'failed' | 'disconnected';
  /** Lines that it brought in, and bytes that it read from the base. */
  readonly lines: number;
  readonly readBytes: number;
}

/** One read of the base. */
interface BaseRead {
  readonly startedMs: number;
  /** Calls of the base by others until it began. */
  readonly others: number;
  linesLeft: number;
  hasFailed: boolean;
}

/**
 * Brings in what an earlier cache held, or what is known to be asked for soon. It takes room that is free, and none for which a
 * line would have to leave; it begins nothing while a request waits for memory; while others use the base it uses it for a part
 * of the time. It ends when the room does, with the first read that fails, or with the cache.
 *
 * As with all that is read ahead, each step is measured by the size that the base has at that moment.
 */
export class WarmUp {
  readonly #context: WarmUpContext;
  readonly #plan: ReadPlan;
  readonly #options: Required<WarmUpOptions>;
  /** Of all warm-ups. */
  readonly #counts: WarmUpCounts;
  readonly #timers = new Set<unknown>();
  #isPaused: boolean;
  #readsInFlight = 0;
  /** Reads in flight, and rests after reads. */
  #busy = 0;
  #lines = 0;
  #readBytes = 0;
  #outcome: WarmUpResult['outcome'] | undefined;
  #over: ((result: WarmUpResult) => void) | undefined;
  #wake: (() => void) | undefined;

  constructor(
    context: WarmUpContext,
    plan: ReadPlan,
    options: Required<WarmUpOptions>,
    counts: WarmUpCounts,
    isPaused: boolean,
  ) {
    this.#context = context;
    this.#plan = plan;
    this.#options = options;
    this.#counts = counts;
    this.#isPaused = isPaused;
  }

  /** Once. Rejects for a fault of the cache alone. */
  run(): Promise<WarmUpResult> {
    return new Promise((resolve, reject) => {
      this.#over = resolve;
      this.#bringAllIn().catch(reject);
    });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#lookAgain();
  }

  /** The cache has ended: so does this, whatever is on its way. */
  end(): void {
    this.#stop('disconnected');
    this.#settle();
  }

  get #hasStopped(): boolean {
    return this.#outcome !== undefined;
  }

  /** Begins nothing more. What is on its way still arrives. */
  #stop(outcome: WarmUpResult['outcome']): void {
    this.#outcome ??= outcome;
    for (const timer of this.#timers) this.#context.clock.clear(timer);
    this.#timers.clear();
    this.#lookAgain();
  }

  #settle(): void {
    this.#over?.({ outcome: this.#outcome ?? 'complete', lines: this.#lines, readBytes: this.#readBytes });
  }

  async #bringAllIn(): Promise<void> {
    for (let range = this.#plan.next(); range !== undefined; range = this.#plan.next()) {
      await this.#bringIn(range);
      if (this.#hasStopped) break;
    }
    while (this.#readsInFlight > 0) await this.#untilWoken();
    this.#stop('complete');
    this.#settle();
  }

  async #bringIn({ start, count, heat }: HotRange): Promise<void> {
    const { linesAhead, yielder } = this.#context;
    let at = start as Sector;
    while (!this.#hasStopped) {
      const end = Math.min(start + count, this.#context.deviceSectors) as Sector;
      if (at >= end) return;
      if (this.#isPaused || this.#busy >= this.#options.maxReadConcurrency) {
        await this.#untilWoken();
      } else if (!linesAhead.mayStart) {
        this.#after(BLOCKED_REST_MS, () => this.#lookAgain());
        await this.#untilWoken();
      } else {
        at = this.#begin(at, end, heat);
        // Much of what is asked for may be there, or known to be zero.
        await yielder.spend(LONG_CALL_BYTES);
      }
    }
  }

  /** Begins one read of the base at most, of lines from `start` on. Returns the sector that is to be looked at next. */
  #begin(start: Sector, end: Sector, heat: number): Sector {
    const { base, geometry, linesAhead, clock } = this.#context;
    const { linesPerReadAhead } = geometry;
    const nextRead = (Math.floor(geometry.lineOf(start) / linesPerReadAhead) + 1) * linesPerReadAhead;
    const stop = Math.min(end, geometry.sectorOf(nextRead as Line, 0)) as Sector;
    const others = base.begun - this.#counts.reads;
    const read: BaseRead = { startedMs: clock.now(), others, linesLeft: 0, hasFailed: false };
    const run: LineFetch[] = [];
    let at = start;
    while (at < stop && linesAhead.mayStart && !this.#hasStopped) {
      const line = geometry.lineOf(at);
      const from = geometry.fromIn(line, at);
      const to = geometry.toIn(line, stop);
      const fetch = this.#prepare(line, from, to, heat, read);
      if (fetch !== undefined) run.push(fetch);
      else if (run.length > 0) break;
      at = fetch === undefined ? this.#pastZeroes(line, from, to) : geometry.sectorOf(line, to);
    }
    this.#issue(run);
    return at;
  }

  /** A fetch of the range of a line. Undefined if there is nothing to fetch, or the room is at an end. */
  #prepare(line: Line, from: number, to: number, heat: number, read: BaseRead): LineFetch | undefined {
    const { geometry, lines, lender, zeroes, fetcher, linesAhead } = this.#context;
    const found = lines.find(line);
    if (found >= 0 && (lender.hasLent(found) || !fetcher.mayBegin(found, line, from, to))) return undefined;
    if (found < 0 && zeroes.covers(geometry.sectorOf(line, from), geometry.sectorOf(line, to))) return undefined;
    const entry = found >= 0 ? found : lines.hasRoom ? lines.admit(line, true, heat) : NO_ENTRY;
    if (entry < 0) {
      this.#stop('full');
      return undefined;
    }
    const fetch = fetcher.prepare(entry, line, from, to, true);
    if (found < 0) lines.markAhead(entry, true);
    linesAhead.began();
    read.linesLeft++;
    fetch.waiters.push(this.#waiterFor(read, found < 0));
    return fetch;
  }

  /** Past the range of a line, or past all that is known to be zero from there on, however long. */
  #pastZeroes(line: Line, from: number, to: number): Sector {
    const { geometry, lines, zeroes } = this.#context;
    const start = geometry.sectorOf(line, from);
    const end = geometry.sectorOf(line, to);
    return lines.find(line) < 0 && zeroes.covers(start, end) ? zeroes.endOfRun(start, end) : end;
  }

  #issue(run: readonly LineFetch[]): void {
    if (run.length === 0) return;
    const { counts } = this.#context.fetcher;
    this.#busy++;
    this.#readsInFlight++;
    this.#counts.reads++;
    this.#counts.readsInFlight++;
    const before = counts.readBytes;
    this.#context.fetcher.issue(run);
    const bytes = counts.readBytes - before;
    this.#readBytes += bytes;
    this.#counts.readBytes += bytes;
  }

  #waiterFor(read: BaseRead, isNew: boolean): FetchWaiter {
    return (failure) => {
      this.#context.linesAhead.settled();
      const hasFailed = failure !== undefined;
      if (isNew && !hasFailed) {
        this.#lines++;
        this.#counts.lines++;
      }
      read.hasFailed ||= hasFailed;
      if (--read.linesLeft === 0) this.#settled(read);
    };
  }

  #settled(read: BaseRead): void {
    this.#readsInFlight--;
    this.#counts.readsInFlight--;
    if (read.hasFailed && !this.#hasStopped) {
      this.#counts.failures++;
      this.#stop('failed');
    }
    const restMs = this.#hasStopped ? 0 : this.#restAfter(read);
    if (restMs > 0) this.#after(restMs, () => this.#rested());
    else this.#busy--;
    this.#lookAgain();
  }

  #rested(): void {
    this.#busy--;
    this.#lookAgain();
  }

  /** How long to leave the base to others, if they have used it since the read began. */
  #restAfter({ startedMs, others }: BaseRead): number {
    const { base, clock } = this.#context;
    const { reads, readsInFlight } = this.#counts;
    if (base.begun - reads === others && base.inFlight === readsInFlight) return 0;
    const { maxBaseShare } = this.#options;
    return Math.min(REST_MS_MAX, (clock.now() - startedMs) * (1 / maxBaseShare - 1));
  }

  #after(delayMs: number, what: () => void): void {
    const { clock } = this.#context;
    const timer = clock.set(() => {
      this.#timers.delete(timer);
      what();
    }, delayMs);
    this.#timers.add(timer);
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #lookAgain(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
