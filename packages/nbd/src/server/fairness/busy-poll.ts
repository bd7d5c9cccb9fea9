/** After so many polls in vain, some requests go by without one; twice as many after each further one, up to this. */
const SKIP_MAX = 64;

/**
 * Keeps the event loop from falling asleep for a moment after each request.
 *
 * A client that sends its next request when it has its reply is back within microseconds, while a sleeping processor takes tens of
 * them to wake up. Where no one comes back in time it soon stops trying, as the kernel's `halt_poll_ns` does.
 */
export class BusyPoll {
  readonly #pollMs: number;
  #immediate: NodeJS.Immediate | undefined;
  #untilMs = 0;
  #arrived = false;
  /** Whether anything has arrived since the poll began. */
  #fruitful = false;
  #skip = 0;
  #skipNext = 1;

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
    if (this.#skip > 0) {
      this.#skip--;
      return;
    }
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
        this.#learn();
      }
    });
  }

  #learn(): void {
    if (this.#fruitful) {
      this.#skipNext = 1;
      return;
    }
    this.#skip = this.#skipNext;
    this.#skipNext = Math.min(2 * this.#skipNext, SKIP_MAX);
  }
}
