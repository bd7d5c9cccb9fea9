import { isPromise } from '../maybe-promise.js';

/** Options of {@link forEachParallel}. */
export interface ForEachParallelOptions {
  /** Tasks under way at once: at least 1. */
  readonly maxConcurrency: number;
  /**
   * Called before an item is taken, before its task begins, and after the last task: one that ends early, since it has seen the
   * stop itself, must not make the loop seem complete. What it throws ends the loop as a failed task does.
   */
  readonly throwIfStopped?: (() => void) | undefined;
  /** Whether enough is done: asked before an item is taken. From then on none is, and the loop resolves. */
  readonly isDone?: (() => boolean) | undefined;
}

/**
 * Runs `task` on each item, up to `maxConcurrency` at once, begun in the order of the items. An item is taken only when a task
 * can begin with it. `task` is told the number of its worker, from 0 to below `maxConcurrency`, which has no other task at the
 * time.
 *
 * After a failure (of a task, of the iterator, of `throwIfStopped`) no task begins. The loop settles once every task that had
 * begun has, and the iterator is closed; then it rejects with the first failure, if there was one.
 *
 * @param items several may be asked for at once, which generators take
 * @example
 * ```ts
 * import { forEachParallel } from '@blockyard/block/async';
 *
 * let sum = 0;
 * await forEachParallel([1, 2, 3], { maxConcurrency: 2 }, async (item) => {
 *   sum += item;
 * });
 * console.log(sum); // 6
 * ```
 */
export async function forEachParallel<T>(
  items: Iterable<T> | AsyncIterable<T>,
  options: ForEachParallelOptions,
  task: (item: T, worker: number) => Promise<void>,
): Promise<void> {
  const { maxConcurrency } = options;
  if (!(maxConcurrency >= 1)) throw new RangeError(`maxConcurrency must be at least 1, not ${maxConcurrency}`);
  const loop = new Loop(items, options, task);
  const workers: Promise<void>[] = [];
  // An item for each worker is taken here, so that there are no more workers than items.
  while (workers.length < maxConcurrency) {
    const taken = loop.take();
    const first = isPromise(taken) ? await taken : taken;
    if (first === undefined) break;
    workers.push(loop.work(first, workers.length));
  }
  await Promise.all(workers);
  await loop.end();
}

/** An item, in a box: the item itself may be undefined. */
interface Taken<T> {
  readonly item: T;
}

class Loop<T> {
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #options: ForEachParallelOptions;
  readonly #task: (item: T, worker: number) => Promise<void>;
  #isExhausted = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    items: Iterable<T> | AsyncIterable<T>,
    options: ForEachParallelOptions,
    task: (item: T, worker: number) => Promise<void>,
  ) {
    this.#iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
    this.#options = options;
    this.#task = task;
  }

  /** The next item that is to be worked on, or undefined if there is none. Never rejects. */
  take(): Taken<T> | undefined | Promise<Taken<T> | undefined> {
    if (this.#failure !== undefined) return undefined;
    try {
      if (this.#options.isDone?.() === true) return undefined;
      this.#options.throwIfStopped?.();
      if (this.#isExhausted) return undefined;
      const result = this.#iterator.next();
      if (!isPromise(result)) return this.#taken(result);
      return result.then(
        (settled) => this.#taken(settled),
        (error: unknown) => this.#iteratorFailed(error),
      );
    } catch (error) {
      return this.#iteratorFailed(error);
    }
  }

  /** Works on the item and on all that it can get after it. Never rejects. */
  async work(first: Taken<T>, worker: number): Promise<void> {
    for (let taken: Taken<T> | undefined = first; taken !== undefined; ) {
      if (this.#failure !== undefined) return;
      try {
        this.#options.throwIfStopped?.();
        await this.#task(taken.item, worker);
      } catch (error) {
        this.#failure ??= { error };
        return;
      }
      const next = this.take();
      taken = isPromise(next) ? await next : next;
    }
  }

  /** Closes the iterator if it is not at its end, as `for...of` does, then throws the first failure. */
  async end(): Promise<void> {
    try {
      if (!this.#isExhausted) await this.#iterator.return?.();
    } catch (error) {
      this.#failure ??= { error };
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #taken({ done, value }: IteratorResult<T>): Taken<T> | undefined {
    if (done !== true) return { item: value };
    this.#isExhausted = true;
    return undefined;
  }

  #iteratorFailed(error: unknown): undefined {
    this.#failure ??= { error };
    return undefined;
  }
}
