import {
  type BlockDevice,
  BlockError,
  type Extent,
  isBlockError,
  type Operation,
  type SectorRange,
} from '@blockyard/block';
import type { ZeroKind } from '../unwritten/zero-ranges.js';

/** Is told how a call of the base ended, once, never before the call has returned. `value`: where there was no failure. */
export type Outcome<T = void> = (failure: BlockError | undefined, value?: T) => void;

/** A read of the base. */
export interface BaseRead {
  readonly start: number;
  readonly buffers: Uint8Array[];
}

/**
 * The base as the cache calls it. Every call has one outcome, and a failure is a `BlockError`, also where the base throws
 * instead of rejecting, returns no promise, or rejects with nothing.
 *
 * `end` fails all calls under way, and no later one reaches the base. What the base still says is ignored.
 */
export class BaseCalls {
  /** Where the base has it, reads that begin at once are one to it as far as it says so. */
  readonly fragments: BlockDevice['fragments'];
  readonly #base: BlockDevice;
  readonly #name: string;
  readonly #onBroken: (error: unknown) => void;
  readonly #underWay = new Set<Outcome<never>>();
  #begun = 0;
  #endError: BlockError | undefined;

  /** `onBroken` is told what the code threw that was told of an outcome: a fault of the cache, not of the base. */
  constructor(base: BlockDevice, onBroken: (error: unknown) => void) {
    this.fragments = base.fragments?.bind(base);
    this.#base = base;
    this.#name = base.info.name;
    this.#onBroken = onBroken;
  }

  get hasEnded(): boolean {
    return this.#endError !== undefined;
  }

  /** Calls so far. */
  get begun(): number {
    return this.#begun;
  }

  /** Calls without an outcome yet. */
  get inFlight(): number {
    return this.#underWay.size;
  }

  /** Throws what ended the calls, if they have ended. */
  check(): void {
    if (this.#endError !== undefined) throw this.#endError;
  }

  end(error: BlockError): void {
    if (this.#endError !== undefined) return;
    this.#endError = error;
    const underWay = [...this.#underWay];
    this.#underWay.clear();
    for (const outcome of underWay) this.#tell(() => outcome(error));
  }

  /** Begins all of the reads at once, as one call: it is over when all of them are, and fails as the first of them that has. */
  read(reads: readonly BaseRead[], outcome: Outcome): void {
    const all = async () => {
      const reading = reads.map(({ start, buffers }) => this.#answer(() => this.#base.read(start, buffers)));
      for (const result of await Promise.allSettled(reading)) if (result.status === 'rejected') throw result.reason;
    };
    this.#begin('read', all, outcome);
  }

  write(start: number, buffers: readonly Uint8Array[], outcome: Outcome): void {
    this.#begin('write', () => this.#base.write(start, buffers), outcome);
  }

  zero(kind: ZeroKind, start: number, count: number, outcome: Outcome): void {
    this.#begin(kind, () => this.#base[kind](start, count), outcome);
  }

  flush(range?: SectorRange): Promise<void> {
    return this.#ask('flush', () => this.#base.flush(range));
  }

  resize(sizeSectors: number): Promise<void> {
    return this.#ask('resize', () => this.#base.resize(sizeSectors));
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#ask('extents', () => this.#base.extents(start, count));
  }

  #ask<T>(operation: Operation, call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) =>
      this.#begin<T>(operation, call, (failure, value) => {
        if (failure === undefined) resolve(value as T);
        else reject(failure);
      }),
    );
  }

  #begin<T>(operation: Operation, call: () => Promise<T>, outcome: Outcome<T>): void {
    this.#begun++;
    this.#underWay.add(outcome);
    void this.#settle(operation, call, outcome);
  }

  /** Never rejects. */
  async #settle<T>(operation: Operation, call: () => Promise<T>, outcome: Outcome<T>): Promise<void> {
    let value: T | undefined;
    let failure: BlockError | undefined;
    try {
      value = await this.#answer(call);
    } catch (error) {
      failure = isBlockError(error) ? error : BlockError.from(error, { operation, device: this.#name });
    }
    if (this.#underWay.delete(outcome)) this.#tell(() => outcome(failure, value));
  }

  /** What the base answers; what it throws is a rejection. */
  #answer<T>(call: () => Promise<T>): Promise<T> {
    try {
      this.check();
      return call();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #tell(outcome: () => void): void {
    try {
      outcome();
    } catch (error) {
      this.#onBroken(error);
    }
  }
}
