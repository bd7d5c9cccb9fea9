/** A set of leaves of a region. */
export class LeafSet {
  readonly #bits: Uint32Array;

  constructor(leafCount: number) {
    this.#bits = new Uint32Array(Math.ceil(leafCount / 32));
  }

  get byteLength(): number {
    return this.#bits.byteLength;
  }

  get isEmpty(): boolean {
    return this.#bits.every((bits) => bits === 0);
  }

  has(leaf: number): boolean {
    return ((this.#bits[leaf >>> 5] as number) & (1 << (leaf & 31))) !== 0;
  }

  add(leaf: number): void {
    this.#bits[leaf >>> 5] = (this.#bits[leaf >>> 5] as number) | (1 << (leaf & 31));
  }

  addAll(other: LeafSet): void {
    for (let i = 0; i < this.#bits.length; i++) {
      this.#bits[i] = (this.#bits[i] as number) | (other.#bits[i] as number);
    }
  }
}
