import type { Clock } from '@blockyard/block';
import { sleep } from '@blockyard/block/async';

/** Tries that follow on one another at once. */
const TRIES_AT_ONCE = 4;
const PAUSE_MS_MIN = 10;
const PAUSE_MS_MAX = 1000;
/** How long a volume may change under the eyes of one who reads it, before that one gives up. */
const CHANGING_MS_MAX = 60_000;

/**
 * How often someone tries anew who reads a volume that its writer changes: again at once a few times, then with growing pauses,
 * until a minute is over. So a burst of changes delays a reader, and does not turn it away.
 */
export class Patience {
  readonly #clock: Clock;
  readonly #beganMs: number;
  #tries = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganMs = clock.now();
  }

  /** After a try that came to nothing: resolves when it is time for the next, to false if there is none. */
  async isLeft(): Promise<boolean> {
    this.#tries++;
    if (this.#clock.now() - this.#beganMs >= CHANGING_MS_MAX) return false;
    const pauses = this.#tries - TRIES_AT_ONCE;
    if (pauses >= 0) await sleep(this.#clock, Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(pauses, 16)));
    return true;
  }
}
