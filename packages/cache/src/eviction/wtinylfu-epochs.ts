import type { FrequencySketch } from './frequency-sketch.js';
import type { WindowBorder } from './window-border.js';

/** Share of the capacity, in accesses. */
const EPOCH = 0.25;
/** Epochs of starvation, and how many known keys must miss for each hit in main, until the sketch is taken for stale. */
const STARVED_EPOCHS = 2;
const STARVED_RATIO = 16;

/** W-TinyLFU's hits and misses of an epoch, and what is changed when it ends because of them. */
export class WTinyLfuEpochs {
  mainHits = 0;
  /** Hits in the window, quick repeats apart, and on ghosts of refused lines. */
  windowHits = 0;
  /** Misses of keys that the sketch knows. */
  knownMisses = 0;
  #accesses = 0;
  #starved = 0;

  /** Counts an access. Whether an epoch is over with it: then it must be ended. */
  tick(capacity: number): boolean {
    return ++this.#accesses >= capacity * EPOCH;
  }

  /** Ends the epoch and begins the next. As long as the cache has room nothing is changed. */
  end(isFull: boolean, sketch: FrequencySketch, border: WindowBorder, windowLines: number, mainLines: number): void {
    if (isFull) {
      this.#ageIfStarved(sketch);
      // In a stride, when one side of the border is hit much more than the other.
      border.strideToDenser(this.windowHits, windowLines, this.mainHits, mainLines);
    }
    this.#accesses = 0;
    this.mainHits = 0;
    this.windowHits = 0;
    this.knownMisses = 0;
  }

  /** A sketch full of what is no longer asked for starves main: then it ages faster. */
  #ageIfStarved(sketch: FrequencySketch): void {
    const starved = this.knownMisses > STARVED_RATIO * (this.mainHits + 1);
    this.#starved = starved ? this.#starved + 1 : 0;
    if (this.#starved < STARVED_EPOCHS) return;
    sketch.halve();
    this.#starved = 0;
  }
}
