import type { ObjectId } from '../format/keys.js';
import { continues, highWordOf, lowWordOf, objectOf, slotOf } from './target.js';

/** First sector, count, and target of the first sector. */
const WORDS = 4;
const START_RUNS = 2;

/** Changes of a region that is not loaded, in order. Sectors are counted from the region's first. */
export class PendingRuns {
  readonly #sectors: number;
  #words = new Uint32Array(START_RUNS * WORDS);
  #count = 0;

  /** @param sectors of the region */
  constructor(sectors: number) {
    this.#sectors = sectors;
  }

  get byteLength(): number {
    return this.#words.byteLength;
  }

  push(start: number, count: number, object: ObjectId, slot: number): void {
    // Nothing will be seen of what came before.
    if (count === this.#sectors) this.#count = 0;
    const low = lowWordOf(object);
    const high = highWordOf(object, slot);
    if (this.#joinsLast(start, count, low, high)) return;
    const at = this.#count++ * WORDS;
    if (at === this.#words.length) this.#grow();
    this.#words[at] = start;
    this.#words[at + 1] = count;
    this.#words[at + 2] = low;
    this.#words[at + 3] = high;
  }

  /** Hands on all changes, in order. */
  replay(change: (start: number, count: number, object: ObjectId, slot: number) => void): void {
    for (let i = 0; i < this.#count; i++) {
      const [start = 0, count = 0, low = 0, high = 0] = this.#words.subarray(i * WORDS, (i + 1) * WORDS);
      change(start, count, objectOf(low, high), slotOf(high));
    }
  }

  #joinsLast(start: number, count: number, low: number, high: number): boolean {
    if (this.#count === 0) return false;
    const last = (this.#count - 1) * WORDS;
    const lastCount = this.#words[last + 1] as number;
    const lastHigh = this.#words[last + 3] as number;
    if ((this.#words[last] as number) + lastCount !== start || this.#words[last + 2] !== low) return false;
    const isZero = low === 0 && high === 0;
    if (isZero ? lastHigh !== 0 : !continues(lastHigh, lastCount, high)) return false;
    this.#words[last + 1] = lastCount + count;
    return true;
  }

  #grow(): void {
    const grown = new Uint32Array(this.#words.length * 2);
    grown.set(this.#words);
    this.#words = grown;
  }
}
