import type { AnswerDates, StoreDates } from './store.js';

/** The dates of a store that has the clock of this machine. */
export class LocalDates implements StoreDates {
  readonly #wallMs: () => number;
  #latestMs: number | undefined;
  #watchedKey: string | undefined;
  #watched: AnswerDates | undefined;

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
  }

  get latestMs(): number | undefined {
    return this.#latestMs;
  }

  get watched(): AnswerDates | undefined {
    return this.#watched;
  }

  watch(key: string): void {
    this.#watchedKey = key;
  }

  /** A request is answered; `storedMs` is of its object. */
  answered(key?: string, storedMs?: number): void {
    this.#latestMs = this.#wallMs();
    if (key !== undefined && key === this.#watchedKey) this.#watched = { answeredMs: this.#latestMs, storedMs };
  }
}
