import type { Clock } from '@blockyard/block';

/** One timer, which does not keep the process alive where its clock can do that. */
export class Timer {
  readonly #clock: Clock;
  #timer: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In place of what it was set to. */
  set(callback: () => void, delayMs: number): void {
    this.clear();
    this.#timer = this.#clock.set(() => {
      this.#timer = undefined;
      callback();
    }, delayMs);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  clear(): void {
    if (this.#timer !== undefined) this.#clock.clear(this.#timer);
    this.#timer = undefined;
  }
}
