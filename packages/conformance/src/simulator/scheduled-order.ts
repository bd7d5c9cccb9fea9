import type { VirtualTime } from './virtual-time.js';

/** What the simulation takes of a scheduler, by the names that fast-check's has: `fc.scheduler()` gives one. */
export interface TaskScheduler {
  /** Resolves as `task` does, but not before the scheduler has chosen it. */
  schedule<T>(task: Promise<T>, label?: string): Promise<T>;
  /** Chooses so many of the tasks that wait. */
  waitNext(count: number): Promise<void>;
  /** Tasks that wait. */
  count(): number;
}

const CLOCK = 'the clock moves on';

/**
 * Events in an order that a scheduler chooses, one at a time. That the clock moves on to the next timer is one of them, so that
 * timers keep their own order and come at any moment between the others.
 */
export class ScheduledOrder {
  readonly #scheduler: TaskScheduler;
  readonly #time: VirtualTime;
  #clockWaits = false;
  #thrown: { readonly error: unknown } | undefined;

  constructor(scheduler: TaskScheduler, time: VirtualTime) {
    this.#scheduler = scheduler;
    this.#time = time;
  }

  /** Runs the callback when the scheduler chooses it. */
  add(callback: () => void, label: string): void {
    const run = () => {
      try {
        callback();
      } catch (error) {
        this.#thrown ??= { error };
      }
    };
    void this.#scheduler.schedule(Promise.resolve(), label).then(run);
  }

  /** Lets the next event happen. False if there is none. Rejects with what one has thrown. */
  async step(): Promise<boolean> {
    if (!this.#clockWaits && this.#time.hasEvents) {
      this.#clockWaits = true;
      this.add(() => {
        this.#clockWaits = false;
        this.#time.step();
      }, CLOCK);
    }
    const isAny = this.#scheduler.count() > 0;
    if (isAny) await this.#scheduler.waitNext(1);
    const thrown = this.#thrown;
    if (thrown !== undefined) throw thrown.error;
    return isAny;
  }
}
