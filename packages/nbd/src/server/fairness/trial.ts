/** After so many failures in a row, some occasions go by untried; twice as many after each further one, up to this. */
const SKIP_MAX = 64;

/** What is tried while it pays. Where it does not it is soon tried no longer but now and then, as the kernel's `halt_poll_ns` is. */
export class Trial {
  #skip = 0;
  #skipNext = 1;

  /** Whether to try on this occasion. */
  isDue(): boolean {
    if (this.#skip === 0) return true;
    this.#skip--;
    return false;
  }

  /** What came of it. */
  learn(paid: boolean): void {
    if (paid) {
      this.#skipNext = 1;
      return;
    }
    this.#skip = this.#skipNext;
    this.#skipNext = Math.min(2 * this.#skipNext, SKIP_MAX);
  }
}
