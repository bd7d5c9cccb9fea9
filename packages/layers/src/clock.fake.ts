import type { Clock } from '@blockyard/block';

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #nowMs = 1000.25;
  readonly #timers = new Map<number, { readonly dueMs: number; readonly callback: () => void }>();
  #id = 0;
  /** Timers that were ever set. */
  timersSet = 0;

  now(): number {
    return this.#nowMs;
  }

  set(callback: () => void, delayMs: number): number {
    this.timersSet++;
    this.#timers.set(++this.#id, { dueMs: this.#nowMs + delayMs, callback });
    return this.#id;
  }

  clear(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  get timersPending(): number {
    return this.#timers.size;
  }

  /** Moves on, calling each timer at its time, and waits for what follows from it. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      const [id, { dueMs, callback }] = next;
      this.#timers.delete(id);
      this.#nowMs = Math.max(dueMs, this.#nowMs);
      callback();
      await settle();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number) {
    return [...this.#timers].filter(([, { dueMs }]) => dueMs <= endMs).sort(([, a], [, b]) => a.dueMs - b.dueMs)[0];
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
