import type { Lines } from '../lines/lines.js';

/**
 * A change of the budget. What lies past a lower one moves or leaves as it becomes possible, behind those who wait for memory
 * and in no one's way. It goes on though those who asked for it were told of a failure.
 */
export class BudgetChange {
  readonly #lines: Lines;
  #isUnderWay = false;
  readonly #waiting: { resolve(): void; reject(error: unknown): void }[] = [];

  constructor(lines: Lines) {
    this.#lines = lines;
  }

  /** Whether lines have still to move or to leave. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** The limits of the lines were set anew. Resolves when nothing lies past them but what is borrowed. */
  begin(): Promise<void> {
    this.#isUnderWay = true;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.progress();
    });
  }

  /** Called whenever a line may have become free to go. */
  progress(): void {
    if (!this.#isUnderWay || !this.#lines.settle()) return;
    this.#isUnderWay = false;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** What has to leave cannot, for now. */
  fail(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  end(error: unknown): void {
    this.#isUnderWay = false;
    this.fail(error);
  }
}
