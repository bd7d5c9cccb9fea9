import { takeOverWaitMs } from '../holder.js';
import { LEASE_MS_DEFAULT } from '../options.js';
import type { VolumeClock } from '../volume-clock.js';

/** What a test with `hurries` off advances by. */
export const TAKE_OVER_MS = takeOverWaitMs({ leaseMs: LEASE_MS_DEFAULT });

/**
 * Time that a test drives. Left alone it stands still, except that it jumps to the end of a wait for someone else's lease as soon as that
 * begins. Devices that share it see the jump too, as they would the time.
 */
export class TestClock implements VolumeClock {
  /** Whether waits for a lease end at once. If not, `advance` ends them. */
  hurries = true;
  /** Resolves when someone waits for a lease to end. */
  readonly waiting: Promise<void>;
  #reportWaiting: () => void = () => {};
  #nowMs = 1_000_000;
  #wallMs = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<{ readonly dueMs: number; readonly run: () => void }>();

  constructor() {
    this.waiting = new Promise((resolve) => {
      this.#reportWaiting = resolve;
    });
  }

  now(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  set(callback: () => void, delayMs: number): unknown {
    const timer = { dueMs: this.#nowMs + delayMs, run: callback };
    this.#timers.add(timer);
    if (delayMs === TAKE_OVER_MS) {
      this.#reportWaiting();
      if (this.hurries) setImmediate(() => this.advance(delayMs));
    }
    return timer;
  }

  clear(timer: unknown): void {
    this.#timers.delete(timer as never);
  }

  /** Lets time pass, on all clocks. */
  advance(ms: number): void {
    this.advanceSteady(ms);
    this.#wallMs += ms;
  }

  /** Lets time pass on the steady clock alone. */
  advanceSteady(ms: number): void {
    this.#nowMs += ms;
    for (const timer of this.#timers) {
      if (timer.dueMs > this.#nowMs) continue;
      this.#timers.delete(timer);
      timer.run();
    }
  }

  /** Lets time pass on the wall clock alone: a machine that was asleep, or whose clock was set. */
  advanceWall(ms: number): void {
    this.#wallMs += ms;
  }
}
