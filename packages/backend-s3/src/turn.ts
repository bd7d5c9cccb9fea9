/** Calls that may finish at once before the event loop gets its turn. */
const AT_ONCE_MAX = 64;

/**
 * Lets the event loop in from time to time. Promises that are resolved already are awaited without a turn of it, so
 * a caller who reads holes, or flushes nothing, again and again would keep the store's answers waiting for as long as that takes.
 */
export class Turn {
  #count = 0;

  /** Undefined to go on at once, or what to wait for. */
  take(): Promise<void> | undefined {
    if (this.#count === 0) {
      setImmediate(() => {
        this.#count = 0;
      });
    }
    this.#count++;
    return this.#count <= AT_ONCE_MAX ? undefined : new Promise((resolve) => setImmediate(resolve));
  }
}
