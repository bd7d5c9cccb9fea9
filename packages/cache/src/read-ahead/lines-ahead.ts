import { invariant } from '@blockyard/block';
import type { Lines } from '../lines/lines.js';
import type { Admission } from '../memory/admission.js';

/** Share of the lines that may be on their way in before a request asked for them. */
const AHEAD_SHARE = 0.25;

/** Lines on their way in before a request asked for them, whatever brings them: how many there are, and may be. */
export class LinesAhead {
  readonly #lines: Pick<Lines, 'slotsMax'>;
  readonly #admission: Pick<Admission, 'count'>;
  #inFlight = 0;
  #waiting: (() => void)[] = [];

  constructor(lines: Pick<Lines, 'slotsMax'>, admission: Pick<Admission, 'count'>) {
    this.#lines = lines;
    this.#admission = admission;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Lines that may be on their way at once. */
  get max(): number {
    return Math.max(1, Math.floor(this.#lines.slotsMax * AHEAD_SHARE));
  }

  /** Whether one more may begin: never while a request waits for memory. */
  get mayStart(): boolean {
    return this.#admission.count === 0 && this.#inFlight < this.max;
  }

  began(): void {
    this.#inFlight++;
  }

  settled(): void {
    this.#inFlight--;
    invariant(this.#inFlight >= 0, 'a line must be on its way to arrive');
    this.wake();
  }

  /** Resolves when the next line has arrived, or failed to. */
  oneSettled(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets all who wait look again. */
  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
