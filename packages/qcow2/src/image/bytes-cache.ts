interface Entry {
  readonly byteLength: number;
  /** Undefined while they are on their way. */
  bytes: Uint8Array | undefined;
  readonly loading: Promise<Uint8Array>;
}

/**
 * Keeps what was loaded, by its place, as long as there is room: what was used longest ago goes first. What several ask for at
 * once is loaded once. What failed is loaded again when it is asked for again.
 */
export class BytesCache {
  readonly #maxBytes: number;
  readonly #entries = new Map<number, Entry>();
  #heldBytes = 0;

  /** @param maxBytes what is kept at most; what is on its way counts */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The bytes if they are here, or else a promise of them. No one may change them. */
  get(place: number, byteLength: number, load: () => Promise<Uint8Array>): Uint8Array | Promise<Uint8Array> {
    const entry = this.#entries.get(place);
    if (entry !== undefined) {
      // Behind all others: a map keeps the order in which its entries came.
      this.#entries.delete(place);
      this.#entries.set(place, entry);
      return entry.bytes ?? entry.loading;
    }
    return this.#load(place, byteLength, load);
  }

  clear(): void {
    this.#entries.clear();
    this.#heldBytes = 0;
  }

  #load(place: number, byteLength: number, load: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const entry: Entry = { byteLength, bytes: undefined, loading: load() };
    this.#entries.set(place, entry);
    this.#heldBytes += byteLength;
    entry.loading.then(
      (bytes) => {
        entry.bytes = bytes;
      },
      () => {
        if (this.#entries.get(place) === entry) this.#drop(place, entry);
      },
    );
    for (const [oldest, { byteLength: length }] of this.#entries) {
      if (this.#heldBytes <= this.#maxBytes) break;
      this.#entries.delete(oldest);
      this.#heldBytes -= length;
    }
    return entry.loading;
  }

  #drop(place: number, { byteLength }: Entry): void {
    this.#entries.delete(place);
    this.#heldBytes -= byteLength;
  }
}
