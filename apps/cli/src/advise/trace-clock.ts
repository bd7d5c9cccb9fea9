import type { Clock } from '@blockyard/block';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A clock that stands where a trace is: it moves when it is told to, and never by itself. */
export class TraceClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#nowMs;
  }

  set(callback: () => void, delayMs: number): Timer {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return timer;
  }

  clear(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** Timers that are due meanwhile fire at their time, the earliest first, those that they set included. */
  moveTo(nowMs: number): void {
    for (let next = this.#next(nowMs); next !== undefined; next = this.#next(nowMs)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
    }
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }

  #next(byMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs <= byMs && (next === undefined || timer.atMs < next.atMs)) next = timer;
    }
    return next;
  }
}
