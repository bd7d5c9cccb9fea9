import type { Engine } from './engine.js';
import type { FetchWaiter, LineFetch } from './fetcher.js';

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
  #waiting: (() => void)[] = [];

  constructor(engine: Engine, enabled: boolean) {
    this.#engine = engine;
    this.#enabled = enabled;
  }

  /** Lines on their way in. */
  get inFlight(): number {
    return this.#linesInFlight;
  }

  /** A request for sectors was seen. */
  observe(_start: number, _count: number): void {
    if (!this.#enabled) return;
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

  get #mayStart(): boolean {
    const { admission, lines } = this.#engine;
    return admission.count === 0 && this.#linesInFlight < Math.max(1, lines.slotsMax * AHEAD_SHARE);
  }

  /** Starts fetches from `first` on, a group at most. Returns the line that is to be looked at next. */
  #start(first: number, last: number, arrivals: Promise<void>[]): number {
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
      arrivals.push(this.#arrivalOf(fetch));
      run.push(fetch);
    }
    fetcher.issue(run);
    return line;
  }

  /** Whether there is nothing to fetch of a line, or somebody does already. */
  #isIn(line: number, to: number): boolean {
    const { geometry, lines, fetcher, zeroes } = this.#engine;
    const first = line * geometry.sectorsPerLine;
    const entry = lines.find(line);
    if (entry < 0) return zeroes.covers(first, first + to);
    return fetcher.of(entry) !== undefined || lines.valid.any(entry);
  }

  #arrivalOf(fetch: LineFetch): Promise<void> {
    this.#linesInFlight++;
    return new Promise((resolve) => {
      const settled = () => {
        this.#linesInFlight--;
        resolve();
        for (const wake of this.#waiting.splice(0)) wake();
      };
      fetch.waiters.push({ fetched: settled, fetchFailed: settled } satisfies FetchWaiter);
    });
  }

  #oneSettled(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
