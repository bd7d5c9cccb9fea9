import { BlockError } from '@blockyard/block';

/**
 * A caller's list of buffers, addressed as if it were one. Positions are bytes.
 *
 * Throws `INVALID_ARGUMENT`, before it touches any, where a buffer that is to be copied is no longer what it was: its owner has
 * detached it or shrunk its memory while the request waited.
 */
export class BufferList {
  readonly #parts: readonly Part[];

  constructor(buffers: readonly Uint8Array[]) {
    let end = 0;
    this.#parts = buffers.map((buffer) => {
      const start = end;
      end += buffer.byteLength;
      return { buffer, start, end };
    });
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
    const end = at + byteLength;
    let index = this.#indexAt(at);
    for (let part = this.#parts[index]; part !== undefined && part.start < end; part = this.#parts[++index]) {
      checkLength(part);
    }
  }

  #forEachPart(at: number, byteLength: number, visit: (part: Uint8Array) => void): void {
    this.check(at, byteLength);
    const end = at + byteLength;
    let index = this.#indexAt(at);
    for (let part = this.#parts[index]; part !== undefined && part.start < end; part = this.#parts[++index]) {
      visit(part.buffer.subarray(Math.max(at - part.start, 0), Math.min(end, part.end) - part.start));
    }
  }

  /** The buffer that holds byte `at`. */
  #indexAt(at: number): number {
    let low = 0;
    let high = this.#parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const part = this.#parts[middle];
      if (part !== undefined && part.start <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** A buffer, and where in the list it lies. */
interface Part {
  readonly buffer: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** A view that tracks its memory may have grown: what was asked for is still there. */
function checkLength({ buffer, start, end }: Part): void {
  if (buffer.byteLength >= end - start) return;
  throw new BlockError('INVALID_ARGUMENT', 'a buffer was detached, or its memory shrunk, while the request waited');
}
