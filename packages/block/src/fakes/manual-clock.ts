import type { Clock } from '../clock.js';
import { settled } from './settled.js';

/** A timer that has neither fired nor been cleared. */
export interface ManualTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Options of {@link ManualClock}. */
export interface ManualClockOptions {
  /** The time at first, in milliseconds. Default: 0. */
  readonly nowMs?: number;
  /** Throw where a timer is cleared that is not set: its owner has lost count. Default: false, as timers of platforms do. */
  readonly strict?: boolean;
}

/**
 * Time that stands still until a test moves it. It asks for no macrotasks: what uses this clock never yields to the event loop,
 * so what a test sees does not depend on how fast the machine is.
 *
 * @example
 * ```ts
 * import { ManualClock } from '@blockyard/block/testing';
 *
 * const clock = new ManualClock();
 * clock.set(() => console.log(clock.now()), 1000); // 1000
 * clock.advance(1000);
 * ```
 */
export class ManualClock implements Clock {
  /** The time now. A test may set it: then time has passed and no timer has fired, as while a process is busy. */
  nowMs: number;
  /** Timers that were ever set. */
  timersSet = 0;
  readonly #isStrict: boolean;
  readonly #timers = new Set<ManualTimer>();

  constructor({ nowMs = 0, strict = false }: ManualClockOptions = {}) {
    this.nowMs = nowMs;
    this.#isStrict = strict;
  }

  now(): number {
    return this.nowMs;
  }

  set(callback: () => void, delayMs: number): ManualTimer {
    const timer = { dueMs: this.nowMs + delayMs, callback };
    this.#timers.add(timer);
    this.timersSet++;
    return timer;
  }

  clear(timer: unknown): void {
    const wasSet = this.#timers.delete(timer as ManualTimer);
    if (this.#isStrict && !wasSet) throw new Error('a timer was cleared that is not set');
  }

  /** Timers that are set, in the order in which they were. */
  get timers(): readonly ManualTimer[] {
    return [...this.#timers];
  }

  /** When they are due, in the same order. */
  get dueMs(): readonly number[] {
    return this.timers.map(({ dueMs }) => dueMs);
  }

  /** Moves on by `byMs`, and fires what comes due on the way, each timer at its time; those that they set, too. */
  advance(byMs: number): void {
    const endMs = this.nowMs + byMs;
    for (let next = this.#nextUntil(endMs); next !== undefined; next = this.#nextUntil(endMs)) this.#fire(next);
    this.nowMs = Math.max(this.nowMs, endMs);
  }

  /** The same, but what follows from a timer comes to rest before the next one fires. */
  async advanceAndSettle(byMs: number): Promise<void> {
    const endMs = this.nowMs + byMs;
    await settled();
    for (let next = this.#nextUntil(endMs); next !== undefined; next = this.#nextUntil(endMs)) {
      this.#fire(next);
      await settled();
    }
    this.nowMs = Math.max(this.nowMs, endMs);
  }

  /** The timer that is due first, of those due at the same time the one that was set first. */
  #nextUntil(endMs: number): ManualTimer | undefined {
    let first: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (first === undefined || timer.dueMs < first.dueMs)) first = timer;
    }
    return first;
  }

  #fire(timer: ManualTimer): void {
    this.#timers.delete(timer);
    this.nowMs = Math.max(this.nowMs, timer.dueMs);
    timer.callback();
  }
}
