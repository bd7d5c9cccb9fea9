import type { Clock } from '@blockyard/block';

/** Requests of one command that began together and ended together. */
interface Group {
  readonly command: number;
  readonly startedMs: number;
  count: number;
}

/** Hears that so many requests of a command took so long. */
export type OnTook = (command: number, durationMs: number, count: number) => void;

/**
 * How long requests take. A look at the clock costs as much as a good part of a small request, so those that begin in one callback
 * of the event loop begin at the first of them, and those whose replies become ready in one callback end when it is over.
 */
export class Timing {
  readonly #clock: Clock;
  readonly #onTook: OnTook;
  /** When this callback's requests began; undefined before the first. */
  #startMs: number | undefined;
  /** Those that ended in this callback. */
  #ended: Group[] = [];
  #scheduled = false;

  constructor(clock: Clock, onTook: OnTook) {
    this.#clock = clock;
    this.#onTook = onTook;
  }

  /** When a request begins that begins now. */
  start(): number {
    if (this.#startMs === undefined) {
      this.#startMs = this.#clock.now();
      this.#schedule();
    }
    return this.#startMs;
  }

  /** A request that began at `startedMs` ends now. */
  end(command: number, startedMs: number): void {
    const last = this.#ended.at(-1);
    if (last !== undefined && last.command === command && last.startedMs === startedMs) {
      last.count++;
      return;
    }
    this.#ended.push({ command, startedMs, count: 1 });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#callbackOver);
  }

  readonly #callbackOver = (): void => {
    this.#scheduled = false;
    this.#startMs = undefined;
    if (this.#ended.length === 0) return;
    const ended = this.#ended;
    this.#ended = [];
    const nowMs = this.#clock.now();
    for (const { command, startedMs, count } of ended) this.#onTook(command, nowMs - startedMs, count);
  };
}
