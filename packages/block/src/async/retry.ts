import type { Clock } from '../clock.js';

/** When to try again after failures: after a delay that doubles with each failure in a row, between two bounds. */
export class Retry {
  readonly #clock: Clock;
  readonly #delayMinMs: number;
  readonly #delayMaxMs: number;
  readonly #onDue: () => void;
  #delayMs = 0;
  #timer: unknown;
  #isWaiting = false;
  #dueAtMs = 0;
  #error: unknown;
  #hasEnded = false;

  constructor(clock: Clock, delayMinMs: number, delayMaxMs: number, onDue: () => void) {
    this.#clock = clock;
    this.#delayMinMs = delayMinMs;
    this.#delayMaxMs = delayMaxMs;
    this.#onDue = onDue;
  }

  /** The last failure, until a success. */
  get error(): unknown {
    return this.#error;
  }

  /** Whether it is too early to try again. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** In how many milliseconds it is tried again; undefined if it is not too early now. */
  get waitMs(): number | undefined {
    return this.#isWaiting ? Math.max(0, this.#dueAtMs - this.#clock.now()) : undefined;
  }

  /** An attempt failed: the next one is due after a delay. */
  failed(error: unknown): void {
    this.#error = error;
    // Several calls that were in flight together fail together: they count once.
    if (this.#isWaiting || this.#hasEnded) return;
    this.#isWaiting = true;
    this.#delayMs = Math.min(this.#delayMaxMs, Math.max(this.#delayMinMs, this.#delayMs * 2));
    this.#dueAtMs = this.#clock.now() + this.#delayMs;
    this.#timer = this.#clock.set(() => {
      this.#isWaiting = false;
      this.#onDue();
    }, this.#delayMs);
  }

  /** An attempt succeeded: the next failure waits for the shortest delay. */
  succeeded(): void {
    this.#clear();
    this.#error = undefined;
    this.#delayMs = 0;
  }

  /** No timer is set, now or later. */
  end(): void {
    this.#clear();
    this.#hasEnded = true;
  }

  #clear(): void {
    if (this.#isWaiting) this.#clock.clear(this.#timer);
    this.#isWaiting = false;
  }
}
