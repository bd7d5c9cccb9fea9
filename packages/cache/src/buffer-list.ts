/** A caller's list of buffers, addressed as if it were one. Positions are bytes. */
export class BufferList {
  readonly #buffers: readonly Uint8Array[];
  /** Where each buffer begins; unused for a single one. */
  readonly #starts: number[] | undefined;

  constructor(buffers: readonly Uint8Array[]) {
    this.#buffers = buffers;
    if (buffers.length === 1) return;
    this.#starts = [];
    let at = 0;
    for (const buffer of buffers) {
      this.#starts.push(at);
      at += buffer.byteLength;
    }
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

  /** Views of a part of the list. */
  slice(at: number, byteLength: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    this.#forEachPart(at, byteLength, (part) => parts.push(part));
    return parts;
  }

  #forEachPart(at: number, byteLength: number, visit: (part: Uint8Array) => void): void {
    if (this.#starts === undefined) {
      visit(this.#buffers[0].subarray(at, at + byteLength));
      return;
    }
    const end = at + byteLength;
    for (let i = this.#indexAt(at); at < end; i++) {
      const buffer = this.#buffers[i];
      const from = at - this.#starts[i];
      const part = buffer.subarray(from, Math.min(buffer.byteLength, from + end - at));
      visit(part);
      at += part.byteLength;
    }
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
