/** Lets a set number of tasks run at once, the others in the order in which they came. */
export class Slots {
  #free: number;
  /** As long as there are callers: each operation waits with at most as many tasks as there are slots. */
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      // A slot goes straight from hand to hand, so that no newcomer gets in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

/**
 * Runs `task` on each item, `parallelMax` at once, taking an item from the iterable only when its turn has come. After a
 * failure no further item is taken; the first error is thrown once everything that had begun has ended.
 */
export async function eachInParallel<T>(
  items: Iterable<T>,
  parallelMax: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const work = async (first: T) => {
    try {
      let item = first;
      for (;;) {
        await task(item);
        const next = failures.length === 0 ? iterator.next() : undefined;
        if (next === undefined || next.done === true) return;
        item = next.value;
      }
    } catch (error) {
      failures.push(error);
    }
  };
  const workers: Promise<void>[] = [];
  while (workers.length < parallelMax) {
    const next = iterator.next();
    if (next.done === true) break;
    workers.push(work(next.value));
  }
  await Promise.all(workers);
  if (failures.length > 0) throw failures[0];
}
