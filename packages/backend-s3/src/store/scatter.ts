import type { Sink } from './ranged-get.js';

/** Fills a list of buffers, one after the other, with what arrives in pieces of any size. What is left in the end is zeroes. */
export class Scatter implements Sink {
  readonly #buffers: readonly Uint8Array[];
  #buffer = 0;
  #offset = 0;

  constructor(buffers: readonly Uint8Array[]) {
    this.#buffers = buffers;
  }

  /** Copies `piece` in. There must be room for it. */
  push(piece: Uint8Array): void {
    let from = 0;
    while (from < piece.byteLength) {
      const buffer = this.#buffers[this.#buffer];
      if (buffer === undefined) throw new Error('more bytes than the buffers have room for');
      const length = Math.min(buffer.byteLength - this.#offset, piece.byteLength - from);
      buffer.set(piece.subarray(from, from + length), this.#offset);
      this.#advance(buffer, length);
      from += length;
    }
  }

  /** Fills what is left with zeroes. */
  end(): void {
    for (let buffer = this.#buffers[this.#buffer]; buffer !== undefined; buffer = this.#buffers[this.#buffer]) {
      const length = buffer.byteLength - this.#offset;
      buffer.fill(0, this.#offset);
      this.#advance(buffer, length);
    }
  }

  #advance(buffer: Uint8Array, length: number): void {
    this.#offset += length;
    if (this.#offset < buffer.byteLength) return;
    this.#buffer++;
    this.#offset = 0;
  }
}
