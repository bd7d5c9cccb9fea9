import { BlockError } from '../error.js';
import { invariant } from '../invariant.js';

/**
 * Goes through a list of buffers as if they were one, piece by piece: fills them with what arrives, or hands out what is to be
 * sent.
 *
 * Each buffer counts with the length that it had when the cursor was made. Where a buffer that is next has been detached or its
 * memory shrunk since, methods throw `INVALID_ARGUMENT`, so that nothing lands in the place of something else.
 */
export class BufferCursor {
  readonly byteLength: number;
  readonly #buffers: readonly Uint8Array[];
  readonly #lengths: readonly number[];
  /** The first buffer that is not done, and how many bytes of it are. */
  #index = 0;
  #offset = 0;
  #doneBytes = 0;

  constructor(buffers: readonly Uint8Array[]) {
    this.#buffers = buffers;
    this.#lengths = buffers.map(({ byteLength }) => byteLength);
    this.byteLength = this.#lengths.reduce((sum, length) => sum + length, 0);
  }

  /** Bytes before the cursor. */
  get doneBytes(): number {
    return this.#doneBytes;
  }

  /** Bytes from the cursor on. */
  get leftBytes(): number {
    return this.byteLength - this.#doneBytes;
  }

  /** Views of what comes next: at most so many bytes, in at most so many views. Empty at the end. Moves nothing. */
  peek(maxBytes = Number.POSITIVE_INFINITY, maxViews = Number.POSITIVE_INFINITY): Uint8Array[] {
    const views: Uint8Array[] = [];
    let roomBytes = maxBytes;
    let offset = this.#offset;
    for (let i = this.#index; i < this.#buffers.length && roomBytes > 0 && views.length < maxViews; i++) {
      const buffer = this.#bufferAt(i);
      const length = Math.min(this.#lengthAt(i) - offset, roomBytes);
      if (length > 0) views.push(length === buffer.byteLength ? buffer : buffer.subarray(offset, offset + length));
      roomBytes -= length;
      offset = 0;
    }
    return views;
  }

  /** Moves on by so many bytes, which must be left. */
  advance(lengthBytes: number): void {
    invariant(lengthBytes >= 0 && lengthBytes <= this.leftBytes, 'a cursor advances within its buffers');
    this.#doneBytes += lengthBytes;
    this.#offset += lengthBytes;
    while (this.#index < this.#lengths.length && this.#offset >= this.#lengthAt(this.#index)) {
      this.#offset -= this.#lengthAt(this.#index);
      this.#index++;
    }
  }

  /** Copies `source` to what comes next, and moves on. There must be room for it. */
  fill(source: Uint8Array): void {
    invariant(source.byteLength <= this.leftBytes, 'buffers have room for what fills them');
    let doneBytes = 0;
    for (const view of this.peek(source.byteLength)) {
      view.set(source.subarray(doneBytes, doneBytes + view.byteLength));
      doneBytes += view.byteLength;
    }
    this.advance(doneBytes);
  }

  /** Fills what is left with zeroes, and moves to the end. */
  fillRestWithZeroes(): void {
    for (const view of this.peek()) view.fill(0);
    this.advance(this.leftBytes);
  }

  #bufferAt(index: number): Uint8Array {
    const buffer = this.#buffers[index];
    if (buffer !== undefined && buffer.byteLength >= this.#lengthAt(index)) return buffer;
    throw new BlockError('INVALID_ARGUMENT', 'a buffer was detached, or its memory shrunk, while it was in use');
  }

  #lengthAt(index: number): number {
    return this.#lengths[index] ?? 0;
  }
}
