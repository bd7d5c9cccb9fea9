import type { Waiter } from './admission.js';
import type { Engine } from './engine.js';

/** A change of the budget that waits, with the writers, until what lies past the new one has moved or left. */
export class ResizeRequest implements Waiter {
  readonly kind = 'write';
  readonly #engine: Engine;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  run(): Promise<void> {
    const { admission, writeBack } = this.#engine;
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      admission.join(this);
      admission.progress();
      writeBack.pump();
    });
  }

  advance(): boolean {
    const done = this.#engine.lines.settle();
    if (done) this.#settle?.resolve();
    return done;
  }

  fail(error: unknown): void {
    this.#settle?.reject(error);
  }
}
