import { takeOverWaitMs, type VolumeClock } from '@blockyard/volume-root';
import { LEASE_MS_DEFAULT } from '../options.js';

/** What a test with `hurries` off advances by. */
export const TAKE_OVER_MS = takeOverWaitMs({ leaseMs: LEASE_MS_DEFAULT });

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
  /** The system's timer of the same length, where it really runs. */
  readonly real: NodeJS.Timeout | undefined;
}

/**
 * Time that a test drives. Left alone it stands still, with two exceptions. It jumps to the end of a wait for someone else's
 * lease as soon as that begins. And a time-out or a wait between two tries really runs; then the time is that of its end. What
 * runs beside, as the looks at the root from time to time, is started by `advance` alone. Devices that share it see the jumps
 * too, as they would the time.
 */
export class TestClock implements VolumeClock {
  /** Whether waits for a lease end at once. If not, `advance` ends them. */
  hurries = true;
  /** Resolves when someone waits for a lease to end. */
  readonly waiting: Promise<void>;
  #reportWaiting: () => void = () => {};
  #nowMs = 1_000_000;
  #wallMs = Date.UTC(2026, 0, 1);
  readonly #takeOverMs: number;
  readonly #timers = new Set<Timer>();

  /** `leaseMs`: that of the devices which are waited for. */
  constructor(leaseMs = LEASE_MS_DEFAULT) {
    this.#takeOverMs = takeOverWaitMs({ leaseMs });
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
    const dueMs = this.#nowMs + delayMs;
    const isLease = delayMs === this.#takeOverMs;
    const real = isLease ? undefined : setTimeout(() => this.advance(Math.max(0, dueMs - this.#nowMs)), delayMs);
    const timer = { dueMs, run: callback, real };
    this.#timers.add(timer);
    if (isLease) {
      this.#reportWaiting();
      if (this.hurries) setImmediate(() => this.advance(delayMs));
    }
    return timer;
  }

  unref(timer: unknown): void {
    clearTimeout((timer as Timer).real);
  }

  clear(timer: unknown): void {
    if (timer === undefined) return;
    const { real } = timer as Timer;
    clearTimeout(real);
    this.#timers.delete(timer as Timer);
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
      this.clear(timer);
      timer.run();
    }
  }

  /** Lets time pass on the wall clock alone: a machine that was asleep, or whose clock was set. */
  advanceWall(ms: number): void {
    this.#wallMs += ms;
  }
}
