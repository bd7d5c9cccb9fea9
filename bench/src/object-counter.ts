/** Counts writes of objects: those of one object in one round of the event loop count once. */
export class ObjectCounter {
  writes = 0;
  readonly #objectBytes: number;
  readonly #ever = new Set<number>();
  readonly #now = new Set<number>();

  constructor(objectBytes: number) {
    this.#objectBytes = objectBytes;
  }

  /** Objects ever written. */
  get written(): number {
    return this.#ever.size;
  }

  /** Bytes from `offset` on were written. */
  add(offset: number, bytes: number): void {
    const last = Math.floor((offset + bytes - 1) / this.#objectBytes);
    for (let object = Math.floor(offset / this.#objectBytes); object <= last; object++) {
      if (this.#now.has(object)) continue;
      if (this.#now.size === 0) queueMicrotask(() => this.#now.clear());
      this.#now.add(object);
      this.#ever.add(object);
      this.writes++;
    }
  }
}
