import { BlockError } from '@blockyard/block';

/**
 * A caller's list of buffers, addressed as if it were one. Positions are bytes.
 *
 * Throws `INVALID_ARGUMENT`, before it touches any, where a buffer that is to be copied is no longer what it was: its owner has detached it
 * or shrunk its memory while the request waited.
 */
export class BufferList {
  readonly byteLength: number;
  readonly #buffers: readonly Uint8Array[];
  /** Where each buffer begins; unused for a single one. */
  readonly #starts: number[] | undefined;

  constructor(buffers: readonly Uint8Array[]) {
    this.#buffers = buffers;
    if (buffers.length === 1) {
      this.byteLength = buffers[0].byteLength;
      return;
    }
    this.#starts = [];
    let at = 0;
    for (const buffer of buffers) {
      this.#starts.push(at);
      at += buffer.byteLength;
    }
    this.byteLength = at;
  }

  /** Copies `source` into the list from byte `at` on. */
  fillFrom(source: Uint8Array, at: number): void {
    let done = 0;
    this.#forEachPart(at, source.byteLength, (part) => {
      part.set(source.subarray(done, done + part.byteLength));
      done += part.byteLength;
    });
  }

  /** Copies bytes of the list, from byte `at` on, until `target` is full. */
  copyTo(target: Uint8Array, at: number): void {
    let done = 0;
    this.#forEachPart(at, target.byteLength, (part) => {
      target.set(part, done);
      done += part.byteLength;
    });
  }

  fillZero(at: number, byteLength: number): void {
    this.#forEachPart(at, byteLength, (part) => part.fill(0));
  }

  /** Throws if a buffer of these bytes can no longer be copied from or to. */
  check(at: number, byteLength: number): void {
    if (this.#starts === undefined) {
      checkLength(this.#buffers[0], this.byteLength);
      return;
    }
    const end = at + byteLength;
    for (let i = this.#indexAt(at); i < this.#starts.length && this.#starts[i] < end; i++) {
      checkLength(this.#buffers[i], this.#endOf(i) - this.#starts[i]);
    }
  }

  #forEachPart(at: number, byteLength: number, visit: (part: Uint8Array) => void): void {
    this.check(at, byteLength);
    if (this.#starts === undefined) {
      visit(this.#buffers[0].subarray(at, at + byteLength));
      return;
    }
    const end = at + byteLength;
    for (let i = this.#indexAt(at); at < end; i++) {
      const to = Math.min(this.#endOf(i), end);
      visit(this.#buffers[i].subarray(at - this.#starts[i], to - this.#starts[i]));
      at = to;
    }
  }

  /** Where a buffer of several ends. */
  #endOf(index: number): number {
    return this.#starts?.[index + 1] ?? this.byteLength;
  }

  /** The buffer that holds byte `at`. */
  #indexAt(at: number): number {
    const starts = this.#starts ?? [];
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (starts[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** A view that tracks its memory may have grown: what was asked for is still there. */
function checkLength(buffer: Uint8Array, byteLength: number): void {
  if (buffer.byteLength >= byteLength) return;
  throw new BlockError('INVALID_ARGUMENT', 'a buffer was detached, or its memory shrunk, while the request waited');
}
