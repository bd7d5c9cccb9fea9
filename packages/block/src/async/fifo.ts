/**
 * A queue, first in, first out. Taking from the front of an array costs by its length; this costs the same however many wait.
 */
export class Fifo<T> {
  #items: T[] = [];
  /** The first item that was not taken. */
  #next = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  /** The first item, or undefined if there is none. */
  shift(): T | undefined {
    if (this.#next === this.#items.length) return undefined;
    const item = this.#items[this.#next];
    this.#next++;
    // Once half of the array has been taken: so each item is moved about once.
    if (this.#next * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#next);
      this.#next = 0;
    }
    return item;
  }

  /** Takes all items, in their order. */
  takeAll(): T[] {
    const items = this.#items.slice(this.#next);
    this.#items = [];
    this.#next = 0;
    return items;
  }
}
