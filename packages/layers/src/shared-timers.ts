import type { Clock } from '@blockyard/block';

/** The longest that a timer of any platform waits, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Moment {
  timer: unknown;
  readonly waiting: Waiting[];
}

/**
 * Wakes any number of waiters, each at its time to about a millisecond. All who are due in the same millisecond share one
 * timer, so that there are no more than a thousand a second, however many wait.
 */
export class SharedTimers {
  readonly #clock: Clock;
  /** By the millisecond that they are due in. */
  readonly #moments = new Map<number, Moment>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves at `dueMs` of the clock, or rejects if `abandon` comes first. */
  until(dueMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#momentOf(Math.ceil(dueMs)).waiting.push({ resolve, reject });
    });
  }

  /** Clears all timers, and rejects all who wait, each with an error of its own. */
  abandon(makeError: () => Error): void {
    const moments = [...this.#moments.values()];
    this.#moments.clear();
    for (const { timer, waiting } of moments) {
      this.#clock.clear(timer);
      for (const { reject } of waiting) reject(makeError());
    }
  }

  #momentOf(tickMs: number): Moment {
    let moment = this.#moments.get(tickMs);
    if (moment === undefined) {
      moment = { timer: undefined, waiting: [] };
      this.#moments.set(tickMs, moment);
      this.#arm(tickMs, moment);
    }
    return moment;
  }

  #arm(tickMs: number, moment: Moment): void {
    const delayMs = Math.min(tickMs - this.#clock.now(), TIMER_MS_MAX);
    moment.timer = this.#clock.set(() => this.#fire(tickMs, moment), Math.max(delayMs, 0));
  }

  #fire(tickMs: number, moment: Moment): void {
    // Timers round their delay, so that one may be up to a millisecond early. More than that was TIMER_MS_MAX.
    if (this.#clock.now() < tickMs - 1) {
      this.#arm(tickMs, moment);
      return;
    }
    this.#moments.delete(tickMs);
    for (const { resolve } of moment.waiting) resolve();
  }
}
