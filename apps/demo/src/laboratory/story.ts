import type { Clock } from '@blockyard/block';

/** Lines that are kept. Of more, the oldest go. */
const LINES_MAX = 100;

/** What happened, in plain words, each line with its time since the beginning. */
export class Story {
  readonly #clock: Clock;
  readonly #startMs: number;
  #lines: readonly string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.now();
  }

  /** The newest last. A list that was given out stays as it was. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  tell(text: string): void {
    const seconds = Math.floor((this.#clock.now() - this.#startMs) / 1000);
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    this.#lines = [...this.#lines, `${time} ${text}`].slice(-LINES_MAX);
  }
}
