import type { Clock } from '@blockyard/block';

/** A store that is cut off is back after so long, though no one asked for it: every wait here has an end. */
const CUT_MS_MAX = 5 * 60_000;

/** Whether the store is cut off, and since when. */
export class Cut {
  readonly #clock: Clock;
  readonly #onTooLong: () => void;
  #sinceMs: number | undefined;
  #timer: unknown;

  constructor(clock: Clock, onTooLong: () => void) {
    this.#clock = clock;
    this.#onTooLong = onTooLong;
  }

  get isCut(): boolean {
    return this.#sinceMs !== undefined;
  }

  begin(): void {
    this.end();
    this.#sinceMs = this.#clock.now();
    this.#timer = this.#clock.set(this.#onTooLong, CUT_MS_MAX);
  }

  /** Gives for how long it was cut off, in milliseconds. */
  end(): number {
    this.#clock.clear(this.#timer);
    const cutMs = this.#sinceMs === undefined ? 0 : this.#clock.now() - this.#sinceMs;
    this.#sinceMs = undefined;
    return cutMs;
  }
}
