/** What has to be ended or removed, last come first, however the demonstration ends. */
export class Cleanup {
  readonly #report: (message: string) => void;
  #running = Promise.resolve();
  readonly #tasks: { readonly what: string; readonly task: () => Promise<void> }[] = [];

  /** `report` is told what could not be cleaned up. */
  constructor(report: (message: string) => void) {
    this.#report = report;
  }

  /** `what` completes "could not ...". */
  add(what: string, task: () => Promise<void>): void {
    this.#tasks.push({ what, task });
  }

  /** A cleanup that can be run before this one, and is run by it otherwise. */
  child(): Cleanup {
    const child = new Cleanup(this.#report);
    this.add('clean up', () => child.run());
    return child;
  }

  /** Runs every task once, also if others fail. Resolves when all have ended, also those that another call began. Never rejects. */
  run(): Promise<void> {
    this.#running = this.#running.then(() => this.#runTasks());
    return this.#running;
  }

  async #runTasks(): Promise<void> {
    for (let next = this.#tasks.pop(); next !== undefined; next = this.#tasks.pop()) {
      try {
        await next.task();
      } catch (error) {
        this.#report(`could not ${next.what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
