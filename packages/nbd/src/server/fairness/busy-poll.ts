import { Trial } from './trial.js';

/**
 * Keeps the event loop from falling asleep for a moment after each request.
 *
 * A client that sends its next request when it has its reply is back within microseconds, while a sleeping processor takes tens of
 * them to wake up. Where no one comes back in time it soon stops trying.
 */
export class BusyPoll {
  readonly #pollMs: number;
  #immediate: NodeJS.Immediate | undefined;
  #untilMs = 0;
  #arrived = false;
  /** Whether anything has arrived since the poll began. */
  #fruitful = false;
  readonly #trial = new Trial();

  constructor(pollUs: number) {
    this.#pollMs = pollUs / 1000;
  }

  /** Something arrived. */
  arrived(): void {
    if (this.#immediate !== undefined) {
      this.#arrived = true;
      return;
    }
    if (this.#pollMs === 0) return;
    if (!this.#trial.isDue()) return;
    this.#fruitful = false;
    this.#untilMs = performance.now() + this.#pollMs;
    this.#poll();
  }

  stop(): void {
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }

  /** An immediate in waiting makes the event loop look for I/O without sleeping. */
  #poll(): void {
    this.#immediate = setImmediate(() => {
      const nowMs = performance.now();
      if (this.#arrived) {
        this.#arrived = false;
        this.#fruitful = true;
        this.#untilMs = nowMs + this.#pollMs;
      }
      if (nowMs < this.#untilMs) {
        this.#poll();
      } else {
        this.#immediate = undefined;
        this.#trial.learn(this.#fruitful);
      }
    });
  }
}
