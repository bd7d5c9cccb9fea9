import type { Clock } from '@blockyard/block';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Time that stands still until it is told to move on. */
export class ManualClock implements Clock {
  nowMs = 0;
  readonly timers: Timer[] = [];

  now(): number {
    return this.nowMs;
  }

  set(callback: () => void, delayMs: number): unknown {
    const timer = { dueMs: this.nowMs + delayMs, callback };
    this.timers.push(timer);
    return timer;
  }

  clear(timer: unknown): void {
    const at = this.timers.indexOf(timer as Timer);
    if (at < 0) throw new Error('only a timer that is set can be cleared');
    this.timers.splice(at, 1);
  }

  /** Times at which something is due, in the order in which it was asked for. */
  get due(): number[] {
    return this.timers.map(({ dueMs }) => dueMs);
  }

  /** Moves on, and calls what has come due, in order. */
  advance(byMs: number): void {
    this.nowMs += byMs;
    for (;;) {
      const [next] = this.timers.filter(({ dueMs }) => dueMs <= this.nowMs).sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) return;
      this.clear(next);
      next.callback();
    }
  }
}
