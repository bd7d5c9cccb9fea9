/** Milliseconds that one piece of work may keep the event loop before others have their turn. */
const SLICE_MS = 1;

/** Steps of a work: between two of them it awaits what this returns, if anything. */
export type Pause = () => Promise<void> | undefined;

/**
 * Shares the event loop among the connections of a server. What goes on for longer waits in one line for its next turn, and of that
 * line one is served in each turn of the loop. So whoever asks for little is heard between any two of those who ask for much.
 */
export class Pace {
  readonly #now: () => number;
  readonly #line: (() => void)[] = [];
  #immediate: NodeJS.Immediate | undefined;

  /** `now` tells the time in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Has `task` run in a later turn of the event loop, after those that wait already. */
  later(task: () => void): void {
    this.#line.push(task);
    this.#immediate ??= setImmediate(() => this.#serve());
  }

  /** The same as a promise. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.later(resolve));
  }

  /** When a slice that begins now is over. */
  sliceEnd(): number {
    return this.#now() + SLICE_MS;
  }

  /** Whether the slice that was to end at `sliceEnd` is over: its time is up, or others wait. */
  isOver(sliceEnd: number): boolean {
    return this.#line.length > 0 || this.#now() >= sliceEnd;
  }

  /** For a work that begins now: how it pauses between its steps. */
  pauses(): Pause {
    let end = this.sliceEnd();
    return () => {
      if (this.#now() < end) return undefined;
      return this.turn().then(() => {
        end = this.sliceEnd();
      });
    };
  }

  #serve(): void {
    const task = this.#line.shift();
    this.#immediate = this.#line.length > 0 ? setImmediate(() => this.#serve()) : undefined;
    task?.();
  }
}
