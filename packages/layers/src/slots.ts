interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Lets a set number in at once; the others wait, first come, first served. The queue holds one entry per caller. */
export class Slots {
  #free: number;
  #waiting: Waiting[] = [];
  /** The first of `#waiting` that still waits: taking from the front of an array costs by its length. */
  #next = 0;

  /** Infinity for no limit. */
  constructor(slots: number) {
    this.#free = slots;
  }

  /** Resolves when there is a slot, or rejects if `abandon` comes first. */
  async take(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Gives a slot back. */
  leave(): void {
    const next = this.#waiting[this.#next];
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#next++;
    if (this.#next * 2 > this.#waiting.length) this.#compact();
    next.resolve();
  }

  /** Rejects all who wait, each with an error of its own. */
  abandon(makeError: () => Error): void {
    this.#compact();
    for (const { reject } of this.#waiting.splice(0)) reject(makeError());
  }

  #compact(): void {
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }
}
