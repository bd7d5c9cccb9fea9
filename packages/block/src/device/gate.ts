import { invariant } from '../invariant.js';

/**
 * Admits many shared holders at once, or one exclusive holder alone, strictly first come, first served: an exclusive one waits
 * for the shared ones before it and holds back all that come after it, so neither kind starves.
 *
 * The queue holds one entry per waiting caller; none is ever refused.
 */
export class Gate {
  #shared = 0;
  /** One at most, but for a gate that is open. */
  #exclusive = 0;
  #open = false;
  #waiting: { readonly exclusive: boolean; readonly admit: () => void }[] = [];

  /** Takes a shared place now if no one is in the way. */
  tryShared(): boolean {
    if (this.#exclusive > 0 || this.#waiting.length > 0) return false;
    this.#shared++;
    return true;
  }

  /** Resolves when the caller holds a shared place. */
  shared(): Promise<void> {
    return this.#wait(false);
  }

  /** Resolves when the caller is alone. */
  exclusive(): Promise<void> {
    return this.#wait(true);
  }

  leaveShared(): void {
    invariant(this.#shared > 0, 'a shared place is left by its holder, once');
    this.#shared--;
    if (this.#waiting.length > 0) this.#admit();
  }

  leaveExclusive(): void {
    invariant(this.#exclusive > 0, 'the exclusive place is left by its holder, once');
    this.#exclusive--;
    this.#admit();
  }

  /** From now on everyone is admitted at once, together with all who wait: nothing is left to protect. */
  open(): void {
    this.#open = true;
    this.#admit();
  }

  #wait(exclusive: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ exclusive, admit: resolve });
      this.#admit();
    });
  }

  #admit(): void {
    let admitted = 0;
    for (const next of this.#waiting) {
      if (!this.#open && (this.#exclusive > 0 || (next.exclusive && this.#shared > 0))) break;
      if (next.exclusive) this.#exclusive++;
      else this.#shared++;
      next.admit();
      admitted++;
    }
    if (admitted > 0) this.#waiting.splice(0, admitted);
  }
}
