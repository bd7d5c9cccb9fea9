import type { MaybePromise } from '../maybe-promise.js';

/**
 * Runs tasks of one key one at a time, in the order in which they came; tasks of different keys run side by side. Keeps an
 * entry per key that has a task, and none for others. Without keys, a {@link Semaphore} of one does the same.
 */
export class SerialQueue<K> {
  /** By key: settles when its last task has. */
  readonly #ends = new Map<K, Promise<void>>();

  /**
   * Settles as `task` does, which begins when all earlier tasks of the key have completed or failed, and never within this
   * call.
   */
  run<T>(key: K, task: () => MaybePromise<T>): Promise<T> {
    const before = this.#ends.get(key) ?? Promise.resolve();
    const result = before.then(task);
    const leave = () => {
      if (this.#ends.get(key) === end) this.#ends.delete(key);
    };
    const end: Promise<void> = result.then(leave, leave);
    this.#ends.set(key, end);
    return result;
  }

  /** Keys that have a task, running or waiting. */
  keys(): IterableIterator<K> {
    return this.#ends.keys();
  }
}
