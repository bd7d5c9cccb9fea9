import type { Clock } from '@blockyard/block';
import type { VirtualTime } from './virtual-time.js';

/** The life of one process that has the device open: from `open` to its end or a crash. */
export class Life {
  /** Its time. Timers end with the life. */
  readonly clock: Clock;
  /** Resolves when it is over. */
  readonly over: Promise<void>;
  /** The calls of media that it waits for, each as the way to make it fail at once. */
  readonly calls = new Set<() => void>();
  /** Its device has ended, and the process runs on: any call of a medium from now on is one too many. */
  isIdle = false;
  #isAlive = true;
  #end: () => void = () => {};

  constructor(time: VirtualTime) {
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.clock = {
      now: () => time.now(),
      set: (callback, delayMs) =>
        time.set(() => {
          if (this.#isAlive) callback();
        }, delayMs),
      clear: (timer) => time.clear(timer),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Whatever it waits for never comes, and whatever it does has no effect. */
  end(): void {
    this.#isAlive = false;
    this.#end();
  }

  /** Makes every call in flight fail now, with what it has done so far. */
  abortCalls(): void {
    for (const abort of this.calls) abort();
    this.calls.clear();
  }
}
