/** Reads that began in one time. */
interface Era {
  count: number;
  /** Called when the last of them has ended, once no more can begin in it. */
  onEmpty: (() => void) | undefined;
}

/** Knows when all reads that were in flight at a moment have ended: until then what they may have looked up stays. */
export class Readers {
  #era: Era = { count: 0, onEmpty: undefined };
  #before: Promise<void> = Promise.resolve();

  /** A read begins. Returns what is to be called when it has ended. */
  enter(): () => void {
    const era = this.#era;
    era.count++;
    return () => {
      era.count--;
      if (era.count === 0) era.onEmpty?.();
    };
  }

  /** Resolves when every read that has begun before this call has ended. */
  drained(): Promise<void> {
    const era = this.#era;
    if (era.count > 0) {
      this.#era = { count: 0, onEmpty: undefined };
      const ended = new Promise<void>((resolve) => {
        era.onEmpty = resolve;
      });
      this.#before = Promise.all([this.#before, ended]).then(() => {});
    }
    return this.#before;
  }
}
