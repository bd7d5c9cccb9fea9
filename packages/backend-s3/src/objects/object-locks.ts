/** One task at a time for each object, in the order in which they came. */
export class ObjectLocks {
  /** By object: the end of the last task that waits for it. */
  readonly #tails = new Map<number, Promise<void>>();

  /** Runs `task` alone on the object, and never within this call. */
  run<T>(index: number, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(index) ?? Promise.resolve();
    const result = before.then(task);
    const end: Promise<void> = result.then(
      () => this.#leave(index, end),
      () => this.#leave(index, end),
    );
    this.#tails.set(index, end);
    return result;
  }

  /** Objects from `from` to below `end` that somebody holds or waits for. */
  held(from: number, end: number): number[] {
    return [...this.#tails.keys()].filter((index) => index >= from && index < end);
  }

  isHeld(index: number): boolean {
    return this.#tails.has(index);
  }

  #leave(index: number, end: Promise<void>): void {
    if (this.#tails.get(index) === end) this.#tails.delete(index);
  }
}
