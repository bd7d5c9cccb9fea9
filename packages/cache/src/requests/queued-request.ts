import type { Admission, Waiter } from '../memory/admission.js';

/**
 * A request that joins the queue where memory is short, goes on when it comes first, and tells its caller once whether it
 * completed or failed.
 */
export abstract class QueuedRequest implements Waiter {
  abstract readonly kind: Waiter['kind'];
  readonly #admission: Admission;
  #isQueued = false;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  abstract advance(): boolean;
  abstract fail(error: unknown): void;

  protected get isQueued(): boolean {
    return this.#isQueued;
  }

  /** Whether no earlier request waits for memory, so that this one may take some. */
  protected get isNext(): boolean {
    return this.#isQueued || !this.#admission.mustWait(this.kind);
  }

  protected join(): void {
    this.#isQueued = true;
    this.#admission.join(this);
  }

  /** The request needs no memory for now, and stands in no queue. */
  protected leave(): void {
    this.#isQueued = false;
  }

  /** What the caller of a request that is not over waits for. */
  protected outcome(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  protected complete(): void {
    this.#settle?.resolve();
    this.#settle = undefined;
  }

  protected reject(error: unknown): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }
}
