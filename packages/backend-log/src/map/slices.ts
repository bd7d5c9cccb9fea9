import type { Clock, MaybePromise } from '@blockyard/block';
import { yielderOf } from '@blockyard/block/async';

/** Lets others go first, if it is time. */
export type Pause = () => MaybePromise<void>;

/** Sectors that are encoded, or runs that are decoded, without a pause: some milliseconds. */
export const SLICE_ITEMS = 4096;

/** A slice counts as so much work in memory: enough to look at the clock after each. */
const SLICE_BYTES = 1 << 20;

/** Yields to the event loop when it has been held back for long enough. */
export function pauseOf(clock: Clock): Pause {
  const yielder = yielderOf(clock);
  return () => yielder.spend(SLICE_BYTES);
}

/** Divides long work into slices, with a pause after each. */
export class Slices {
  readonly #pause: Pause;
  #left = SLICE_ITEMS;

  constructor(pause: Pause) {
    this.#pause = pause;
  }

  /** Counts what was done. Returns what to wait for, if anything. */
  did(items: number): MaybePromise<void> {
    this.#left -= items;
    if (this.#left > 0) return;
    this.#left = SLICE_ITEMS;
    return this.#pause();
  }
}
