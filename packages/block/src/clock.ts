import { turnOn } from './macrotask.js';

/** Time, as a parameter, so that tests and simulators can drive it. */
export interface Clock {
  /** Milliseconds since any fixed moment; never runs backwards. */
  now(): number;
  /** Calls `callback` once, `delayMs` from now. Returns what `clear` takes. */
  set(callback: () => void, delayMs: number): unknown;
  clear(timer: unknown): void;
  /**
   * Calls `callback` once, in a later turn of the event loop: timers and sockets come first. Left out, as by a clock that is moved
   * by hand: what lives by this clock never makes way for the event loop.
   */
  turn?(callback: () => void): void;
}

// What every platform of this package has, without the rest of any platform's types.
declare const performance: { now(): number };
declare function setTimeout(callback: () => void, delayMs: number): unknown;
declare function clearTimeout(timer: unknown): void;

export const systemClock: Clock = {
  now: () => performance.now(),
  set: (callback, delayMs) => setTimeout(callback, delayMs),
  clear: (timer) => clearTimeout(timer),
  turn: turnOn(globalThis as unknown as Parameters<typeof turnOn>[0]),
};
