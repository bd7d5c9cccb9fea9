/** Something that happens now and then, and those who wait for the next time. */
export class Signal {
  #waiting: (() => void)[] = [];

  /** Resolves the next time. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  notify(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
