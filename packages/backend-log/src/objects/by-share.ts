/** Steps of the share: within one, items are in no order. */
const STEPS = 64;

/** Items in the order of a share between 0 and 1 that changes, to within a part in 64. Those of none and of all are not in it. */
export class ByShare<T> {
  readonly #steps = Array.from({ length: STEPS }, () => new Set<T>());

  /** The item's share changes; one that is new had none. */
  move(item: T, from: number, to: number): void {
    const before = this.#stepOf(from);
    const after = this.#stepOf(to);
    if (before === after) return;
    before?.delete(item);
    after?.add(item);
  }

  /** The least first. Not to be changed meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (const step of this.#steps) yield* step;
  }

  #stepOf(share: number): Set<T> | undefined {
    return share > 0 && share < 1 ? this.#steps[Math.floor(share * STEPS)] : undefined;
  }
}
