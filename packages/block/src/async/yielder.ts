import type { Clock } from '../clock.js';

/** What a call costs beside the bytes that it copies, as bytes that could be copied in that time. */
export const CALL_BYTES = 4096;
/** The same for calls that go through tables rather than bytes. */
export const LONG_CALL_BYTES = 16 * CALL_BYTES;
/** Work between two looks at the clock, in bytes copied or their like: some 100 µs. */
const LOOK_BYTES = 1 << 20;
/** Milliseconds of uninterrupted work after which the event loop goes first. */
const MAX_UNINTERRUPTED_MS = 10;

/**
 * Yields to the event loop where nothing else does. Operations that complete from memory complete within microtasks, and a
 * caller that awaits one after the other would hold back every timer and socket.
 *
 * Everything that works within one event loop shares one of these: see {@link yielderOf}. Work is counted, which costs a
 * subtraction. After every mebibyte the clock is looked at, and a macrotask is asked for. If that has not come within ten
 * milliseconds, callers wait for it.
 */
export class Yielder {
  readonly #clock: Clock;
  /** Work until the next look; none while the macrotask is overdue. */
  #leftBytes = LOOK_BYTES;
  /** Resolves in the macrotask that was asked for. */
  #macrotask: Promise<void> | undefined;
  #askedAtMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Counts work that was done, in bytes copied or their like. Returns a promise to wait for where the event loop has been held
   * back for long enough, and undefined otherwise.
   */
  spend(bytes: number): Promise<void> | undefined {
    this.#leftBytes -= bytes;
    return this.#leftBytes > 0 ? undefined : this.#look();
  }

  #look(): Promise<void> | undefined {
    try {
      const nowMs = this.#clock.now();
      if (this.#macrotask !== undefined && nowMs - this.#askedAtMs >= MAX_UNINTERRUPTED_MS) {
        this.#leftBytes = 0;
        return this.#macrotask;
      }
      this.#leftBytes = LOOK_BYTES;
      if (this.#macrotask === undefined) {
        this.#askedAtMs = nowMs;
        this.#macrotask = this.#askForMacrotask();
      }
    } catch {
      // A clock that fails is no reason to fail what it times.
      this.#leftBytes = LOOK_BYTES;
    }
    return undefined;
  }

  #askForMacrotask(): Promise<void> | undefined {
    if (this.#clock.macrotask === undefined) return undefined;
    let report = () => {};
    const macrotask = new Promise<void>((resolve) => {
      report = resolve;
    });
    this.#clock.macrotask(() => {
      this.#macrotask = undefined;
      this.#leftBytes = LOOK_BYTES;
      report();
    });
    return macrotask;
  }
}

const YIELDERS = new WeakMap<Clock, Yielder>();

/** The yielder that everything with the same clock shares. */
export function yielderOf(clock: Clock): Yielder {
  let yielder = YIELDERS.get(clock);
  if (yielder === undefined) {
    yielder = new Yielder(clock);
    YIELDERS.set(clock, yielder);
  }
  return yielder;
}
