import { macrotaskOn } from './macrotask.js';

/** Time, as a parameter, so that tests and simulators can drive it. */
export interface Clock {
  /** Milliseconds since any fixed moment; never runs backwards. */
  now(): number;
  /** Calls `callback` once, `delayMs` from now. Returns what `clear` takes. */
  set(callback: () => void, delayMs: number): unknown;
  /** Cancels a timer. One that has fired is ignored. */
  clear(timer: unknown): void;
  /**
   * Calls `callback` once, in a later macrotask: timers and sockets come first. A clock that is moved by hand leaves it out;
   * then what uses the clock never yields to the event loop.
   */
  macrotask?(callback: () => void): void;
}

// What every platform of this package has, without the rest of any platform's types.
declare const performance: { now(): number };
declare function setTimeout(callback: () => void, delayMs: number): unknown;
declare function clearTimeout(timer: unknown): void;

/** The time, timers and macrotasks of the platform. */
export const systemClock: Required<Clock> = {
  now: () => performance.now(),
  set: (callback, delayMs) => setTimeout(callback, delayMs),
  clear: (timer) => clearTimeout(timer),
  macrotask: macrotaskOn(globalThis as unknown as Parameters<typeof macrotaskOn>[0]),
};
