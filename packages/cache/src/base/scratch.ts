interface Waiting {
  readonly lengthBytes: number;
  readonly begin: (bytes: Uint8Array) => void;
}

/**
 * Memory for what the base reads between the sectors that are wanted. No two reads have the same part of it at one time, nor
 * does one read have a part twice: a base may look at what it has read, and one with checksums does. Contents mean nothing.
 */
export class Scratch {
  readonly #bytes: Uint8Array;
  #usedBytes = 0;
  #users = 0;
  readonly #waiting: Waiting[] = [];

  constructor(lengthBytes: number) {
    this.#bytes = new Uint8Array(lengthBytes);
  }

  get lengthBytes(): number {
    return this.#bytes.byteLength;
  }

  /**
   * Calls `begin` with so many bytes, at most all: now, or once others have given theirs back. First come, first served; what
   * needs none waits for no one. Who has begun calls `giveBack` once, with the same length.
   */
  take(lengthBytes: number, begin: (bytes: Uint8Array) => void): void {
    if (lengthBytes === 0) begin(this.#bytes.subarray(0, 0));
    else {
      this.#waiting.push({ lengthBytes, begin });
      this.#serve();
    }
  }

  giveBack(lengthBytes: number): void {
    if (lengthBytes === 0) return;
    if (--this.#users === 0) this.#usedBytes = 0;
    this.#serve();
  }

  #serve(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const start = this.#usedBytes;
      if (next.lengthBytes > this.lengthBytes - start) return;
      this.#waiting.shift();
      this.#usedBytes += next.lengthBytes;
      this.#users++;
      next.begin(this.#bytes.subarray(start, start + next.lengthBytes));
    }
  }
}
