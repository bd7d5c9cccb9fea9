/**
 * Counts what is not yet in the base, by the epoch in which it was written. A flush closes the epoch, and is through when
 * nothing of it, or of an earlier one, is left [D1].
 */
export class Epochs {
  #current = 0;
  /** Oldest first: only the current epoch is ever entered anew, and an emptied one leaves. */
  readonly #counts = new Map<number, number>();

  /** The oldest epoch of which something is left; infinite if there is nothing. */
  get oldest(): number {
    for (const epoch of this.#counts.keys()) return epoch;
    return Number.POSITIVE_INFINITY;
  }

  /** Ends the current epoch and returns it. */
  close(): number {
    return this.#current++;
  }

  /** Counts one more thing of the current epoch, which is returned. */
  enter(): number {
    this.#counts.set(this.#current, (this.#counts.get(this.#current) ?? 0) + 1);
    return this.#current;
  }

  /** Counts one more thing of an epoch of which something is left. */
  enterAgain(epoch: number): void {
    const left = this.#counts.get(epoch);
    if (left === undefined) throw new Error(`epoch ${epoch} must hold something to hold more`);
    this.#counts.set(epoch, left + 1);
  }

  /** One thing of the epoch is in the base, or is no longer needed. */
  leave(epoch: number): void {
    const left = (this.#counts.get(epoch) ?? 0) - 1;
    if (left < 0) throw new Error(`epoch ${epoch} must hold what leaves it`);
    if (left === 0) this.#counts.delete(epoch);
    else this.#counts.set(epoch, left);
  }
}
