import type { ObjectIdentity } from '../identity/scopes.js';
import { type NewRange, recordBytes } from './range.js';

/** Ranges that wait to be written, within a bound. */
export class WaitingRanges {
  readonly #maxBytes: number;
  #ranges: NewRange[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** Those that wait, first come first. */
  get all(): readonly NewRange[] {
    return this.#ranges;
  }

  hasRoom(recordBytes: number): boolean {
    return this.#bytes + recordBytes <= this.#maxBytes;
  }

  add(range: NewRange): void {
    this.#ranges.push(range);
    this.#bytes += recordBytes(range.bytes.byteLength);
  }

  /** Puts some before all others, bound or not: their memory is bounded where they come from. */
  addFirst(ranges: readonly NewRange[]): void {
    this.#set([...ranges, ...this.#ranges]);
  }

  /** Takes the first ones away. */
  drop(count: number): void {
    this.#set(this.#ranges.slice(count));
  }

  forget(object: ObjectIdentity): void {
    if (this.#ranges.length > 0) this.#set(this.#ranges.filter((range) => !isOf(range, object)));
  }

  clear(): void {
    this.#set([]);
  }

  #set(ranges: NewRange[]): void {
    this.#ranges = ranges;
    this.#bytes = ranges.reduce((sum, { bytes }) => sum + recordBytes(bytes.byteLength), 0);
  }
}

/** Whether it is a range of the object. */
export function isOf({ object }: NewRange, { bytes }: ObjectIdentity): boolean {
  return Buffer.compare(object.bytes, bytes) === 0;
}
