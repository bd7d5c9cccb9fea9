/** Milliseconds that one piece of work may hold the event loop before it yields. */
const SLICE_MS = 1;

/** Steps of a work: between two of them it awaits what this returns, if anything. */
export type Pause = () => Promise<void> | undefined;

/**
 * Shares the event loop among the connections of a server. Longer work waits in one queue, and one of
 * that queue is served in each iteration of the loop. So a client that asks for little is heard between any two that ask for much.
 */
export class Pace {
  readonly #now: () => number;
  readonly #queue: (() => void)[] = [];
  #immediate: NodeJS.Immediate | undefined;

  /** `now` tells the time in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Has `task` run in a later iteration of the event loop, after those that wait already. */
  later(task: () => void): void {
    this.#queue.push(task);
    this.#immediate ??= setImmediate(() => this.#serve());
  }

  /** The same as a promise. */
  yieldToEventLoop(): Promise<void> {
    return new Promise((resolve) => this.later(resolve));
  }

  /** When a slice that begins now is over. */
  sliceEnd(): number {
    return this.#now() + SLICE_MS;
  }

  /** Whether the slice that was to end at `sliceEnd` is over: its time is up, or others wait. */
  isOver(sliceEnd: number): boolean {
    return this.#queue.length > 0 || this.#now() >= sliceEnd;
  }

  /** For a work that begins now: how it pauses between its steps. */
  pauses(): Pause {
    let end = this.sliceEnd();
    return () => {
      if (this.#now() < end) return undefined;
      return this.yieldToEventLoop().then(() => {
        end = this.sliceEnd();
      });
    };
  }

  #serve(): void {
    const task = this.#queue.shift();
    this.#immediate = this.#queue.length > 0 ? setImmediate(() => this.#serve()) : undefined;
    task?.();
  }
}
