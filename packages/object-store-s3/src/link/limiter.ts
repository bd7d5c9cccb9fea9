import type { Clock } from '@blockyard/block';

/** Where a volume begins, before anything is known of its line. */
const START = 8;
/** After an outage the first requests show what the store can take; the others follow, twice as many with each round. */
const RESTART = 2;

/** What a request that has ended says of the line. */
export type Experience = 'answered' | 'failed' | 'timed-out' | 'refused-for-load' | 'nothing';

export interface LimiterOptions {
  readonly clock: Clock;
  readonly min: number;
  readonly max: number;
  /** An answer that took longer counts as a sign that too much is on the line. */
  readonly slowMs: number;
}

/**
 * How many requests are in flight at once: additive increase, multiplicative decrease, as TCP does it (RFC 5681). One more for
 * each answer at first, so twice as many in each round trip; after the first sign of too much, one more in each round. Half as
 * many when requests time out, or take a good part of that time, once for all that were under way together.
 */
export class Limiter {
  readonly #options: LimiterOptions;
  /** In the order in which they came. As many as there are requests under way, which the callers bound. */
  readonly #waiting: ((entered: boolean) => void)[] = [];
  #limit: number;
  #inFlight = 0;
  #isStarting = true;
  /** Requests that began before this say nothing new. */
  #halvedMs = Number.NEGATIVE_INFINITY;

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#limit = this.#within(START);
  }

  /** Requests that may be in flight now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Resolves with true when a request may go, with false when `signal` fires first. What was let in ends with `leave`. */
  enter(signal: AbortSignal): true | Promise<boolean> {
    if (this.#inFlight < this.limit) {
      this.#inFlight++;
      return true;
    }
    return new Promise((resolve) => {
      const end = (entered: boolean) => {
        signal.removeEventListener('abort', leave);
        resolve(entered);
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(end), 1);
        end(false);
      };
      signal.addEventListener('abort', leave);
      this.#waiting.push(end);
    });
  }

  leave(startMs: number, experience: Experience): void {
    const wasFull = this.#inFlight >= this.limit;
    this.#inFlight--;
    const { clock, slowMs } = this.#options;
    const isSlow = clock.now() - startMs > slowMs;
    if (experience === 'timed-out' || experience === 'refused-for-load' || (experience === 'answered' && isSlow)) {
      this.#halve(startMs);
    } else if (experience === 'answered' && wasFull) {
      this.#limit = this.#within(this.#limit + (this.#isStarting ? 1 : 1 / this.#limit));
    }
    this.#letIn();
  }

  /** Begins again with few. */
  restart(): void {
    this.#limit = this.#within(Math.min(this.#limit, RESTART));
    this.#isStarting = true;
    this.#halvedMs = this.#options.clock.now();
  }

  #halve(startMs: number): void {
    if (startMs < this.#halvedMs) return;
    this.#limit = this.#within(this.#limit / 2);
    this.#isStarting = false;
    this.#halvedMs = this.#options.clock.now();
  }

  #letIn(): void {
    while (this.#inFlight < this.limit) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#inFlight++;
      next(true);
    }
  }

  #within(limit: number): number {
    const { min, max } = this.#options;
    return Math.min(max, Math.max(min, limit));
  }
}
