/**
 * How one attempt at a request is given up. An `AbortController`, and what listens to one, cost a good part of a small request:
 * there is one only for those who ask for its signal.
 */
export class Abort {
  #isAborted = false;
  #listener: (() => void) | undefined;
  #controller: AbortController | undefined;

  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** The same as a signal, which may be asked for at any time. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.#controller.abort();
    return this.#controller.signal;
  }

  /** Called once, when the attempt is given up. There is one listener: the last. */
  listen(listener: (() => void) | undefined): void {
    this.#listener = listener;
  }

  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#controller?.abort();
    this.#listener?.();
  }
}
