import { setImmediate } from 'node:timers/promises';

const TURN_MS = 5;

/** Devices that finish at once (memory, a cache) never let the event loop turn by themselves, and no signal would be heard. */
export class Turns {
  #lastMs = performance.now();

  /** To be awaited between operations, if there is something to await. */
  next(nowMs: number): Promise<void> | undefined {
    if (nowMs - this.#lastMs < TURN_MS) return undefined;
    return this.#turn();
  }

  async #turn(): Promise<void> {
    await setImmediate();
    this.#lastMs = performance.now();
  }
}
