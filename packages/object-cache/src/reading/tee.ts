import { byteLengthOf } from '@blockyard/block';
import type { Sink } from '@blockyard/object-store';
import type { Held, Piece } from './held.js';

/** Pushes what the medium has around what comes from the store, and keeps copies of what comes, if they are wanted. */
export class Tee implements Sink {
  fetchedBytes = 0;
  readonly #sink: Sink;
  readonly #before: readonly Piece[];
  readonly #after: readonly Piece[];
  readonly #copies: Uint8Array[] | undefined;

  constructor(sink: Sink, held: Pick<Held, 'before' | 'after'> | undefined, isKept: boolean) {
    this.#sink = sink;
    this.#before = held?.before ?? [];
    this.#after = held?.after ?? [];
    this.#copies = isKept ? [] : undefined;
    for (const { bytes } of this.#before) sink.push(bytes);
  }

  /** What the medium gave. */
  get heldBytes(): number {
    return byteLengthOf([...this.#before, ...this.#after].map(({ bytes }) => bytes));
  }

  /** All that came from the store, or undefined if it was not wanted. */
  get copy(): Uint8Array | undefined {
    return this.#copies && Buffer.concat(this.#copies);
  }

  push(piece: Uint8Array): void {
    this.fetchedBytes += piece.byteLength;
    this.#copies?.push(Uint8Array.from(piece));
    this.#sink.push(piece);
  }

  end(): void {
    for (const { bytes } of this.#after) this.#sink.push(bytes);
    this.#sink.end();
  }
}
