import type { Clock } from '../clock.js';

/** What a call costs beside the bytes that it copies, as bytes that could be copied in that time. */
export const CALL_BYTES = 4096;
/** The same for calls that go through tables rather than bytes. */
export const LONG_CALL_BYTES = 16 * CALL_BYTES;
/** Work between two looks at the clock, in bytes copied or their like: some 100 µs. */
const LOOK_BYTES = 1 << 20;
/** Milliseconds of uninterrupted service after which the event loop gets its turn. */
const SERVICE_MAX_MS = 10;

/**
 * Makes way for timers and sockets where nothing else does. Operations that complete from memory complete within microtasks,
 * and a caller that awaits one after the other never lets the event loop turn.
 *
 * Everything that serves within one event loop shares one of these. Work is counted, which costs a subtraction; after so much of
 * it the clock is looked at, and the loop is asked to report its next turn. If that report is late, whoever comes waits for it.
 */
export class Turns {
  readonly #clock: Clock;
  /** Work until the next look; none while the turn is overdue. */
  #leftBytes = LOOK_BYTES;
  /** Resolves with the next turn of the event loop. */
  #turn: Promise<void> | undefined;
  #sinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts work that was done. Where the event loop has waited long enough for its turn, a promise that resolves after it. */
  spend(bytes: number): Promise<void> | undefined {
    this.#leftBytes -= bytes;
    return this.#leftBytes > 0 ? undefined : this.#look();
  }

  #look(): Promise<void> | undefined {
    try {
      const nowMs = this.#clock.now();
      if (this.#turn !== undefined && nowMs - this.#sinceMs >= SERVICE_MAX_MS) {
        this.#leftBytes = 0;
        return this.#turn;
      }
      this.#leftBytes = LOOK_BYTES;
      if (this.#turn === undefined) {
        this.#sinceMs = nowMs;
        this.#turn = this.#nextTurn();
      }
    } catch {
      // A clock that fails is no reason to fail what it times.
      this.#leftBytes = LOOK_BYTES;
    }
    return undefined;
  }

  #nextTurn(): Promise<void> | undefined {
    if (this.#clock.turn === undefined) return undefined;
    let report = () => {};
    const turn = new Promise<void>((resolve) => {
      report = resolve;
    });
    this.#clock.turn(() => {
      this.#turn = undefined;
      this.#leftBytes = LOOK_BYTES;
      report();
    });
    return turn;
  }
}

const TURNS = new WeakMap<Clock, Turns>();

/** One for all that live by the same clock. */
export function turnsOf(clock: Clock): Turns {
  let turns = TURNS.get(clock);
  if (turns === undefined) {
    turns = new Turns(clock);
    TURNS.set(clock, turns);
  }
  return turns;
}
