import { NO_OBJECT, type ObjectId } from '../format/keys.js';

/**
 * Sectors `start` to before `start + count` lie in the slots from `slot` on of `object`. With {@link NO_OBJECT} they read
 * as zeroes, and `slot` is 0.
 */
export interface Run {
  readonly start: number;
  readonly count: number;
  readonly object: ObjectId;
  readonly slot: number;
}

/** Is told of every sector that begins or ceases to point to an object. */
export interface Liveness {
  gained(object: ObjectId, sectors: number): void;
  dropped(object: ObjectId, sectors: number): void;
}

/** For runs that have been counted already. */
export const NO_LIVENESS: Liveness = { gained() {}, dropped() {} };

/** Takes runs in ascending order, each beginning where the last one ended. */
export interface RunSink {
  push(start: number, count: number, object: ObjectId, slot: number): void;
}

/** Hands on runs, those that continue one another as one. */
export class RunMerger implements RunSink {
  readonly #emit: (start: number, count: number, object: ObjectId, slot: number) => void;
  #start = 0;
  #count = 0;
  #object: ObjectId = NO_OBJECT;
  #slot = 0;

  constructor(emit: (start: number, count: number, object: ObjectId, slot: number) => void) {
    this.#emit = emit;
  }

  push(start: number, count: number, object: ObjectId, slot: number): void {
    if (this.#count > 0) {
      if (object === this.#object && (object === NO_OBJECT || slot === this.#slot + this.#count)) {
        this.#count += count;
        return;
      }
      this.#emit(this.#start, this.#count, this.#object, this.#slot);
    }
    this.#start = start;
    this.#count = count;
    this.#object = object;
    this.#slot = slot;
  }

  /** Hands on the last run. */
  end(): void {
    if (this.#count > 0) this.#emit(this.#start, this.#count, this.#object, this.#slot);
    this.#count = 0;
  }
}

/** Collects runs, merged. */
export class RunList implements RunSink {
  readonly #runs: Run[] = [];
  readonly #merger = new RunMerger((start, count, object, slot) => this.#runs.push({ start, count, object, slot }));

  push(start: number, count: number, object: ObjectId, slot: number): void {
    this.#merger.push(start, count, object, slot);
  }

  end(): Run[] {
    this.#merger.end();
    return this.#runs;
  }
}
