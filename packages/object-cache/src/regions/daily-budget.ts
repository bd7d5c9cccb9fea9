import type { Clock } from '@blockyard/block';

const DAY_MS = 86_400_000;

/** Bytes that may be written to the medium in a day. Days begin when the cache is opened. */
export class DailyBudget {
  readonly #maxBytesPerDay: number;
  readonly #clock: Clock;
  #dayStartMs: number;
  #spentBytes = 0;

  constructor(maxBytesPerDay: number, clock: Clock) {
    this.#maxBytesPerDay = maxBytesPerDay;
    this.#clock = clock;
    this.#dayStartMs = clock.now();
  }

  /** Of this day. */
  get leftBytes(): number {
    const days = Math.floor((this.#clock.now() - this.#dayStartMs) / DAY_MS);
    if (days > 0) {
      this.#dayStartMs += days * DAY_MS;
      this.#spentBytes = 0;
    }
    return Math.max(0, this.#maxBytesPerDay - this.#spentBytes);
  }

  /** Whether so much may still be written, and `reserveBytes` after it; if so, it counts as written. */
  spend(bytes: number, reserveBytes = 0): boolean {
    if (bytes + reserveBytes > this.leftBytes) return false;
    this.#spentBytes += bytes;
    return true;
  }
}
