import { LONG_CALL_BYTES, type Yielder } from '@blockyard/block/async';
import type { Fetcher, LineFetch } from '../base/fetcher.js';
import type { Geometry } from '../lines/geometry.js';
import type { Lender } from '../lines/lender.js';
import type { Lines } from '../lines/lines.js';
import type { Line, Sector } from '../tables/numbers.js';
import type { ZeroRanges } from '../unwritten/zero-ranges.js';
import type { LinesAhead } from './lines-ahead.js';
import { ReadAhead } from './read-ahead.js';

/** What reading ahead works with. */
export interface PrefetchContext {
  readonly geometry: Geometry;
  readonly lines: Lines;
  readonly lender: Lender;
  readonly zeroes: ZeroRanges;
  readonly fetcher: Fetcher;
  readonly linesAhead: LinesAhead;
  readonly yielder: Yielder;
  /** Sectors of the device as it is now. */
  readonly deviceSectors: Sector;
  /** Sectors of a line that the device has. */
  lineEnd(line: Line): number;
}

/** A range that a caller wants in memory. Lines, `last` included. */
interface Prefetch {
  readonly first: Line;
  readonly last: Line;
  /** What the call waits for; no more than there are lines in memory. */
  readonly arrivals: Promise<void>[];
  /** A line of the range left without having been asked for: there is no room for more. */
  isFull: boolean;
  /** Settles the call, whatever is still on its way. */
  readonly giveUp: () => void;
}

/**
 * Brings lines in before they are asked for: what the read-ahead detects, and what a caller asks for. Never in the way of a
 * request: it takes no memory while one waits for some, and fails silently.
 *
 * No gate keeps it from a device that changes: a caller may ask at any moment. So whatever begins is measured by the size that
 * the base has at that moment, and nothing begins while all traffic is stopped.
 */
export class Prefetcher {
  readonly #context: PrefetchContext;
  readonly #enabled: boolean;
  readonly #readAhead: ReadAhead;
  readonly #prefetches = new Set<Prefetch>();
  #paused = false;
  #ended = false;

  constructor(context: PrefetchContext, enabled: boolean) {
    this.#context = context;
    this.#enabled = enabled;
    this.#readAhead = new ReadAhead(context.geometry.sectorsPerLine, context.linesAhead.max);
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** A read of sectors was seen: what follows it may be worth having. */
  observe(start: Sector, count: number): void {
    if (!this.#enabled || this.#paused) return;
    // What a warm-up has foreseen is there: reading on from it begins where something is missed.
    if (this.#isForeseen(start, count)) this.follow(start, count);
    else this.#readOn(this.#readAhead.observe(start, count));
  }

  /** As `observe`, for a read that found everything in memory. */
  follow(start: Sector, count: number): void {
    if (this.#enabled && !this.#paused) this.#readOn(this.#readAhead.follow(start, count));
  }

  /** A line that was brought in ahead was asked for, or is about to leave without. */
  settled(line: Line, wasUsed: boolean): void {
    if (wasUsed) {
      this.#readAhead.used();
      return;
    }
    this.#readAhead.unused(line);
    // One that holds nothing leaves because its fetch failed or its sectors were zeroed.
    const { lines } = this.#context;
    if (this.#prefetches.size === 0 || !lines.valid.any(lines.find(line))) return;
    for (const prefetch of this.#prefetches)
      if (line >= prefetch.first && line <= prefetch.last) prefetch.isFull = true;
  }

  /** The memory has another size: how far to read ahead goes by it. */
  budgetChanged(): void {
    this.#readAhead.setWindowMax(this.#context.linesAhead.max);
  }

  /**
   * Brings the lines from `first` to `last` in, until the policy begins to let go of them again. Resolves when they are there,
   * or given up.
   */
  fetch(first: Line, last: Line): Promise<void> {
    return new Promise((resolve, reject) => {
      const prefetch: Prefetch = { first, last, arrivals: [], isFull: false, giveUp: resolve };
      this.#prefetches.add(prefetch);
      const done = this.#bringIn(prefetch).finally(() => this.#prefetches.delete(prefetch));
      done.then(resolve, reject);
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = this.#ended;
  }

  /** For good: what waits for lines does so no longer. */
  end(): void {
    this.#ended = true;
    this.#paused = true;
    for (const { giveUp } of this.#prefetches) giveUp();
    this.#context.linesAhead.wake();
  }

  async #bringIn(prefetch: Prefetch): Promise<void> {
    const { linesAhead, yielder } = this.#context;
    let line = prefetch.first;
    while (line <= Math.min(prefetch.last, this.#lastLine) && !this.#paused && !prefetch.isFull) {
      const next = linesAhead.mayStart ? this.#start(line, prefetch.last, prefetch) : line;
      if (next === line) {
        if (linesAhead.inFlight === 0) break;
        await linesAhead.oneSettled();
      }
      line = next;
      // Much of what is asked for may be there, or known to be zero.
      await yielder.spend(LONG_CALL_BYTES);
    }
    await Promise.all(prefetch.arrivals);
  }

  /** Whether a warm-up brought in all of the range. */
  #isForeseen(start: Sector, count: number): boolean {
    const { geometry, lines } = this.#context;
    const last = geometry.lastLine((start + count) as Sector);
    for (let line = geometry.lineOf(start); line <= last; line++) {
      const entry = lines.find(line);
      if (entry < 0 || !lines.isWarmed(entry)) return false;
    }
    return true;
  }

  /** Begins to read so many lines ahead, from where the read-ahead says, as long as there is room. */
  #readOn(lines: number): void {
    if (lines === 0) return;
    const first = this.#readAhead.first as Line;
    const last = (first + lines - 1) as Line;
    for (let line = first; line <= Math.min(last, this.#lastLine); ) {
      const next = this.#context.linesAhead.mayStart ? this.#start(line, last) : line;
      if (next === line) return;
      line = next;
    }
  }

  /** The last line of the device as it is now, -1 where there is none. */
  get #lastLine(): Line {
    return this.#context.geometry.lastLine(this.#context.deviceSectors);
  }

  /** Starts fetches from `first` on, by one read of the base at most. Returns the line that is to be looked at next. */
  #start(first: Line, last: Line, prefetch?: Prefetch): Line {
    const { geometry, lines, linesAhead, fetcher } = this.#context;
    const { linesPerReadAhead } = geometry;
    const nextRead = (Math.floor(first / linesPerReadAhead) + 1) * linesPerReadAhead;
    const end = Math.min(last, this.#lastLine, nextRead - 1);
    const run: LineFetch[] = [];
    let line = first;
    while (line <= end && linesAhead.mayStart && prefetch?.isFull !== true) {
      const next = this.#nextWanted(line, prefetch);
      if (next > line) {
        fetcher.issue(run.splice(0));
        line = next;
        continue;
      }
      const found = lines.find(line);
      const entry = found >= 0 ? found : lines.admit(line, true);
      if (entry < 0) break;
      const fetch = fetcher.prepare(entry, line, 0, this.#context.lineEnd(line), true);
      lines.markAhead(entry, false);
      linesAhead.began();
      fetch.waiters.push(() => linesAhead.settled());
      this.#follow(prefetch, fetch);
      run.push(fetch);
      line++;
    }
    fetcher.issue(run);
    return line;
  }

  /**
   * The line itself if it is to be fetched. Another one if there is nothing to fetch, another request does so already, or its
   * memory is not to be written to; what is known to be zero is passed over at once, however long it is.
   */
  #nextWanted(line: Line, prefetch: Prefetch | undefined): Line {
    const { geometry, lines, lender, fetcher, zeroes } = this.#context;
    const entry = lines.find(line);
    if (entry < 0) {
      const start = geometry.sectorOf(line, 0);
      const end = geometry.sectorOf(line, this.#context.lineEnd(line));
      if (!zeroes.covers(start, end)) return line;
      return Math.max(line + 1, geometry.lineOf(zeroes.endOfRun(start, end))) as Line;
    }
    const underWay = fetcher.of(entry);
    for (const fetch of underWay) this.#follow(prefetch, fetch);
    const isIn =
      underWay.length > 0 || lender.hasLent(entry) || !fetcher.lacks(entry, line, 0, this.#context.lineEnd(line));
    return isIn ? ((line + 1) as Line) : line;
  }

  /** The caller waits for the fetch too. */
  #follow(prefetch: Prefetch | undefined, { waiters }: LineFetch): void {
    prefetch?.arrivals.push(new Promise((arrived) => waiters.push(() => arrived())));
  }
}
