/** Memory that a read in flight has to itself. */
interface Held {
  readonly memory: ArrayBufferLike;
  readonly from: number;
  readonly to: number;
}

/** Knows which memory belongs to reads that have not settled: clause B3. */
export class ReadsInFlight {
  readonly #held = new Set<readonly Held[]>();

  /** Whether a read in flight has any byte of these buffers, or one byte is in two of them. */
  overlaps(buffers: readonly Uint8Array[]): boolean {
    const asked = buffers.map(heldBy);
    if (asked.some((each, i) => asked.slice(i + 1).some((other) => isShared(each, other)))) return true;
    for (const held of this.#held) {
      if (asked.some((each) => held.some((other) => isShared(each, other)))) return true;
    }
    return false;
  }

  /** The buffers belong to a read from now on, until the function that it returns is called. */
  begin(buffers: readonly Uint8Array[]): () => void {
    const held = buffers.map(heldBy);
    this.#held.add(held);
    return () => {
      this.#held.delete(held);
    };
  }
}

function heldBy({ buffer, byteOffset, byteLength }: Uint8Array): Held {
  return { memory: buffer, from: byteOffset, to: byteOffset + byteLength };
}

function isShared(one: Held, other: Held): boolean {
  return one.memory === other.memory && one.from < other.to && other.from < one.to;
}
