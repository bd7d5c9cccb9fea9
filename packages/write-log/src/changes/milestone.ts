interface Waiting {
  readonly target: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A number that only grows, and those who wait until it has grown so far. */
export class Milestone {
  #value: number;
  #waiting: Waiting[] = [];
  #ended: { readonly error: unknown } | undefined;

  constructor(value = 0) {
    this.#value = value;
  }

  get value(): number {
    return this.#value;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The largest number that is waited for and was not reached; 0 if there is none. */
  get wanted(): number {
    return this.#waiting.reduce((largest, { target }) => Math.max(largest, target), 0);
  }

  /** Resolves once the value is `target` or more. Rejects if {@link fail} or {@link end} comes first. */
  wait(target: number): Promise<void> {
    if (this.#value >= target) return Promise.resolve();
    if (this.#ended !== undefined) return Promise.reject(this.#ended.error);
    return new Promise((resolve, reject) => this.#waiting.push({ target, resolve, reject }));
  }

  reach(value: number): void {
    if (value <= this.#value) return;
    this.#value = value;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ target }) => target > value);
    for (const { target, resolve } of waiting) if (target <= value) resolve();
  }

  /** Rejects all who wait now. */
  fail(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** Rejects all who wait, now or later. */
  end(error: unknown): void {
    this.#ended ??= { error };
    this.fail(error);
  }
}
