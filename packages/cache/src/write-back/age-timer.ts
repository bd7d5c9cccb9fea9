import type { Clock } from '@blockyard/block';

/** One timer for the time at which the oldest dirty data are due; none while nothing is due, or is due already. */
export class AgeTimer {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #timer: unknown;
  #isSet = false;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Infinite: none. */
  set(dueMs: number): void {
    if (dueMs === this.#dueMs) return;
    if (this.#isSet) this.#clock.clear(this.#timer);
    this.#isSet = false;
    this.#dueMs = dueMs;
    // What is due already goes on after a call of the base or a retry: there is nothing to wait for here.
    const delayMs = dueMs - this.#clock.now();
    if (dueMs === Number.POSITIVE_INFINITY || delayMs <= 0) return;
    this.#isSet = true;
    this.#timer = this.#clock.set(() => {
      this.#isSet = false;
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#onDue();
    }, delayMs);
  }
}
