import type { Clock } from '@blockyard/block';

/** One timer, which is set again and again. */
export class Alarm {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #timer: unknown;
  #isSet = false;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get isSet(): boolean {
    return this.#isSet;
  }

  /** Due after `delayMs`, and no longer when it was due before. */
  set(delayMs: number): void {
    this.clear();
    this.#isSet = true;
    this.#timer = this.#clock.set(() => {
      this.#isSet = false;
      this.#onDue();
    }, delayMs);
  }

  clear(): void {
    if (this.#isSet) this.#clock.clear(this.#timer);
    this.#isSet = false;
  }
}
