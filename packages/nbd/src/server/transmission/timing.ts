import type { Clock } from '@blockyard/block';

/** Requests of one command that began together and ended together. */
interface Group {
  readonly command: number;
  readonly startedMs: number;
  count: number;
}

/** Hears that so many requests of a command took so long. */
type OnTook = (command: number, durationMs: number, count: number) => void;

/**
 * How long requests take. A look at the clock costs as much as a good part of a small request, so those that come in one run of
 * messages begin at the first of them, and those whose replies become ready in one callback of the event loop end when it is over.
 */
export class Timing {
  readonly #clock: Clock;
  readonly #onTook: OnTook;
  /** When the requests of this run began; undefined before the first. */
  #startMs: number | undefined;
  /** Those that ended in this callback. */
  #ended: Group[] = [];

  constructor(clock: Clock, onTook: OnTook) {
    this.#clock = clock;
    this.#onTook = onTook;
  }

  /** A run of messages begins, or a request that waited goes on. */
  begin(): void {
    this.#startMs = undefined;
  }

  /** When a request begins that begins now. */
  start(): number {
    this.#startMs ??= this.#clock.now();
    return this.#startMs;
  }

  /** A request that began at `startedMs` ends in this callback. */
  end(command: number, startedMs: number): void {
    const last = this.#ended.at(-1);
    if (last?.command === command && last.startedMs === startedMs) last.count++;
    else this.#ended.push({ command, startedMs, count: 1 });
  }

  /** The callback is over, at `nowMs`. */
  over(nowMs: number): void {
    if (this.#ended.length === 0) return;
    const ended = this.#ended;
    this.#ended = [];
    for (const { command, startedMs, count } of ended) this.#onTook(command, nowMs - startedMs, count);
  }
}
