import { invariant } from '../invariant.js';
import type { MaybePromise } from '../maybe-promise.js';
import { Fifo } from './fifo.js';

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets a set number of tasks run at once. The others wait, first come, first served; there is one entry in the queue per caller
 * that waits. A semaphore of one is a queue of tasks that run one at a time; {@link SerialQueue} is that for each of many keys.
 *
 * @example
 * ```ts
 * import { Semaphore } from '@blockyard/block/async';
 *
 * const requests = new Semaphore(2);
 * const results = await Promise.all([1, 2, 3].map((item) => requests.run(async () => item * item)));
 * console.log(results.join(' ')); // 1 4 9
 * ```
 */
export class Semaphore {
  readonly #maxConcurrency: number;
  readonly #waiting = new Fifo<Waiting>();
  #held = 0;

  /** @param maxConcurrency permits: at least 1; `Infinity` for no limit */
  constructor(maxConcurrency: number) {
    if (!(maxConcurrency >= 1)) throw new RangeError(`a semaphore needs at least one permit, not ${maxConcurrency}`);
    this.#maxConcurrency = maxConcurrency;
  }

  /**
   * Settles as `task` does, which begins when a permit is free, within this call if one is now. Rejects without a call of
   * `task` if {@link rejectWaiting} comes first.
   */
  async run<T>(task: () => MaybePromise<T>): Promise<T> {
    if (!this.tryAcquire()) await this.#wait();
    try {
      return await task();
    } finally {
      this.release();
    }
  }

  /** Takes a permit if one is free, and says whether it did. The holder of a permit calls {@link release} once. */
  tryAcquire(): boolean {
    if (this.#held >= this.#maxConcurrency) return false;
    this.#held++;
    return true;
  }

  /** Resolves when the caller has a permit, never within this call. Rejects if {@link rejectWaiting} comes first. */
  async acquire(): Promise<void> {
    if (!this.tryAcquire()) await this.#wait();
  }

  /** Gives a permit back. It goes straight to the first who waits, so that no newcomer overtakes. */
  release(): void {
    invariant(this.#held > 0, 'a permit is released by a holder, once');
    const next = this.#waiting.shift();
    if (next === undefined) this.#held--;
    else next.resolve();
  }

  /** Rejects all who wait, each with an error of its own. Those who have a permit keep it. */
  rejectWaiting(makeError: () => unknown): void {
    for (const { reject } of this.#waiting.takeAll()) reject(makeError());
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}
