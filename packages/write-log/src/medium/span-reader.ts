import { roundUp } from '../format/layout.js';
import type { Medium } from './medium.js';

/** Read at once where the records of a log are gone through. */
const SPAN_BYTES = 1 << 20;

/** Reads a medium mostly from front to end, in spans. */
export class SpanReader {
  readonly #medium: Medium;
  readonly #endAt: number;
  #span: { readonly at: number; readonly bytes: Uint8Array } = { at: 0, bytes: new Uint8Array(0) };

  /** @param endAt nothing is read from there on */
  constructor(medium: Medium, endAt: number) {
    this.#medium = medium;
    this.#endAt = endAt;
  }

  /** Up to so many bytes from `at` on, which is whole sectors; fewer at the end. A view that is good until the next call. */
  async peek(at: number, lengthBytes: number): Promise<Uint8Array> {
    const length = Math.min(lengthBytes, this.#endAt - at);
    const { at: from, bytes } = this.#span;
    if (at < from || at + length > from + bytes.byteLength) await this.#load(at, length);
    return this.#span.bytes.subarray(at - this.#span.at, at - this.#span.at + length);
  }

  /** Reads so much in one, as far as it can be read, so that it is at hand. */
  async ahead(at: number, lengthBytes: number): Promise<void> {
    const length = Math.min(lengthBytes, this.#endAt - at);
    const bytes = await this.#medium.read(at, length).catch(() => undefined);
    if (bytes !== undefined) this.#span = { at, bytes };
  }

  /** What {@link peek} would give, if it is at hand. */
  atHand(at: number, lengthBytes: number): Uint8Array | undefined {
    const { at: from, bytes } = this.#span;
    return at < from || at + lengthBytes > from + bytes.byteLength
      ? undefined
      : bytes.subarray(at - from, at - from + lengthBytes);
  }

  /** As {@link peek}, a copy. */
  async read(at: number, lengthBytes: number): Promise<Uint8Array> {
    if (lengthBytes >= SPAN_BYTES) return this.#medium.read(at, lengthBytes);
    return (await this.peek(at, lengthBytes)).slice();
  }

  async #load(at: number, lengthBytes: number): Promise<void> {
    const needed = Math.min(roundUp(lengthBytes, this.#medium.info.sectorSize), this.#endAt - at);
    const length = Math.min(Math.max(SPAN_BYTES, needed), this.#endAt - at);
    // What is read beyond what is needed may be unreadable, and then it does not matter.
    const span = this.#medium.read(at, length);
    const bytes = length === needed ? await span : await span.catch(() => this.#medium.read(at, needed));
    this.#span = { at, bytes };
  }
}
