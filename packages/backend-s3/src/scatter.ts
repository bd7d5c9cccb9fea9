/** Fills a list of buffers, one after the other, with what arrives in pieces of any size. */
export class Scatter {
  readonly #buffers: readonly Uint8Array[];
  #buffer = 0;
  #offset = 0;
  #filledBytes = 0;

  constructor(buffers: readonly Uint8Array[]) {
    this.#buffers = buffers;
  }

  get filledBytes(): number {
    return this.#filledBytes;
  }

  /** Copies `piece` in. False if it did not fit. */
  push(piece: Uint8Array): boolean {
    let from = 0;
    while (from < piece.byteLength) {
      const buffer = this.#buffers[this.#buffer];
      if (buffer === undefined) return false;
      const length = Math.min(buffer.byteLength - this.#offset, piece.byteLength - from);
      buffer.set(piece.subarray(from, from + length), this.#offset);
      this.#advance(buffer, length);
      from += length;
    }
    return true;
  }

  /** Fills what is left with zeroes. */
  zeroRest(): void {
    for (let buffer = this.#buffers[this.#buffer]; buffer !== undefined; buffer = this.#buffers[this.#buffer]) {
      const length = buffer.byteLength - this.#offset;
      buffer.fill(0, this.#offset);
      this.#advance(buffer, length);
    }
  }

  #advance(buffer: Uint8Array, length: number): void {
    this.#offset += length;
    this.#filledBytes += length;
    if (this.#offset < buffer.byteLength) return;
    this.#buffer++;
    this.#offset = 0;
  }
}
