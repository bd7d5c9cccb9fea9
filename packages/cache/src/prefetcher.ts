import type { Engine } from './engine.js';
import type { FetchWaiter, LineFetch } from './fetcher.js';
import { ReadAhead } from './read-ahead.js';

/** Share of the lines that may be on their way in before anybody asked for them. */
const AHEAD_SHARE = 0.25;

/**
 * Brings lines in before they are asked for: what the read-ahead detects, and what a caller warms up. Never in the way of a
 * request: it takes no memory while one waits for some, and fails silently.
 */
export class Prefetcher {
  readonly #engine: Engine;
  readonly #enabled: boolean;
  #linesInFlight = 0;
  #paused = false;
  readonly #readAhead: ReadAhead;
  #waiting: (() => void)[] = [];

  constructor(engine: Engine, enabled: boolean) {
    this.#engine = engine;
    this.#enabled = enabled;
    this.#readAhead = new ReadAhead(engine.geometry.sectorsPerLine, this.#linesMax);
  }

  /** Lines on their way in. */
  get inFlight(): number {
    return this.#linesInFlight;
  }

  /** A read of sectors was seen: what follows it may be worth having. */
  observe(start: number, count: number): void {
    if (this.#enabled && !this.#paused) this.#readOn(this.#readAhead.observe(start, count));
  }

  /** As `observe`, for a read that found everything in memory. */
  follow(start: number, count: number): void {
    if (this.#enabled && !this.#paused) this.#readOn(this.#readAhead.follow(start, count));
  }

  /** A line that was brought in ahead was asked for, or left without. */
  settled(line: number, wasUsed: boolean): void {
    if (wasUsed) this.#readAhead.used();
    else this.#readAhead.unused(line);
  }

  /** Brings the lines from `first` to `last` in, as far as memory allows. Resolves when they are there, or given up. */
  async fetch(first: number, last: number): Promise<void> {
    const arrivals: Promise<void>[] = [];
    for (let line = first; line <= last && !this.#paused; ) {
      const next = this.#mayStart ? this.#start(line, last, arrivals) : line;
      if (next === line) {
        if (this.#linesInFlight === 0) break;
        await this.#oneSettled();
      }
      line = next;
    }
    await Promise.all(arrivals);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  /** Begins to read so many lines ahead, from where the read-ahead says, as long as there is room. */
  #readOn(lines: number): void {
    if (lines === 0) return;
    const { geometry, deviceSectors } = this.#engine;
    const { first } = this.#readAhead;
    const end = Math.min(first + lines, Math.ceil(deviceSectors / geometry.sectorsPerLine));
    for (let line = first; line < end; ) {
      const next = this.#mayStart ? this.#start(line, end - 1, undefined) : line;
      if (next === line) return;
      line = next;
    }
  }

  get #mayStart(): boolean {
    const { admission } = this.#engine;
    return admission.count === 0 && this.#linesInFlight < this.#linesMax;
  }

  get #linesMax(): number {
    return Math.max(1, Math.floor(this.#engine.lines.slotsMax * AHEAD_SHARE));
  }

  /** Starts fetches from `first` on, a group at most. Returns the line that is to be looked at next. */
  #start(first: number, last: number, arrivals: Promise<void>[] | undefined): number {
    const { geometry, lines, fetcher } = this.#engine;
    const end = Math.min(last + 1, (Math.floor(first / geometry.linesPerGroup) + 1) * geometry.linesPerGroup);
    const run: LineFetch[] = [];
    let line = first;
    for (; line < end && this.#mayStart; line++) {
      const to = this.#engine.lineEnd(line);
      if (this.#isIn(line, to)) {
        fetcher.issue(run.splice(0));
        continue;
      }
      const found = lines.find(line);
      const entry = found >= 0 ? found : lines.admit(line, true);
      if (entry < 0) break;
      const fetch = fetcher.prepare(entry, line, 0, to, true);
      lines.markAhead(entry);
      this.#linesInFlight++;
      fetch.waiters.push(this.#waiterFor(arrivals));
      run.push(fetch);
    }
    fetcher.issue(run);
    return line;
  }

  /** Whether there is nothing to fetch of a line, somebody does already, or its memory is not to be written to. */
  #isIn(line: number, to: number): boolean {
    const { geometry, lines, lender, fetcher, zeroes } = this.#engine;
    const first = line * geometry.sectorsPerLine;
    const entry = lines.find(line);
    if (entry < 0) return zeroes.covers(first, first + to);
    return fetcher.of(entry) !== undefined || lines.valid.any(entry) || lender.hasLent(entry);
  }

  #waiterFor(arrivals: Promise<void>[] | undefined): FetchWaiter {
    let arrived = () => {};
    arrivals?.push(
      new Promise((resolve) => {
        arrived = resolve;
      }),
    );
    const settled = () => {
      this.#linesInFlight--;
      arrived();
      for (const wake of this.#waiting.splice(0)) wake();
    };
    return { fetched: settled, fetchFailed: settled };
  }

  #oneSettled(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
