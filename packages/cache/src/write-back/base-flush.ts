import type { Clock } from '@blockyard/block';
import { coalesce } from '@blockyard/block/async';
import type { BaseCalls } from '../base/base-calls.js';
import { type Latencies, timed } from '../base/latencies.js';

export interface BaseFlushContext {
  readonly base: BaseCalls;
  readonly clock: Clock;
  readonly latencies: Latencies;
}

/** Flushes of the base: none where nothing has changed there since the last. */
export class BaseFlush {
  readonly #context: BaseFlushContext;
  /** Told when a flush has succeeded. */
  readonly #onFlushed: () => void;
  /** Flushes that are asked for while one runs share the next: the running one may have begun before what they are about. */
  readonly #flush = coalesce(() => this.#run());
  /** Counts what the base took, and how much of it a flush has made durable. */
  #changes = 1;
  #durableChanges = 0;
  /** Since when the base has had changes that no flush has followed; infinite if it has none, or all may be those of others. */
  #unflushedSinceMs = Number.POSITIVE_INFINITY;
  /** The same, of what the flush under way will make durable. */
  #flushingSinceMs = Number.POSITIVE_INFINITY;

  constructor(context: BaseFlushContext, onFlushed: () => void) {
    this.#context = context;
    this.#onFlushed = onFlushed;
  }

  /** Since when the base has had something of this cache that no flush has made durable; infinite if it has nothing. */
  get unflushedSinceMs(): number {
    return Math.min(this.#unflushedSinceMs, this.#flushingSinceMs);
  }

  /** The base may have something that it had not. */
  changed(): void {
    this.#changes++;
    if (this.#unflushedSinceMs === Number.POSITIVE_INFINITY) this.#unflushedSinceMs = this.#context.clock.now();
  }

  /** Resolves when all that the base has is durable there. */
  async flush(): Promise<void> {
    if (this.#changes > this.#durableChanges) await this.#flush();
  }

  async #run(): Promise<void> {
    const { base, clock, latencies } = this.#context;
    const changes = this.#changes;
    const ended = timed(clock, latencies.baseFlush);
    this.#flushingSinceMs = this.#unflushedSinceMs;
    this.#unflushedSinceMs = Number.POSITIVE_INFINITY;
    try {
      await base.flush();
    } catch (error) {
      this.#unflushedSinceMs = this.unflushedSinceMs;
      throw error;
    } finally {
      this.#flushingSinceMs = Number.POSITIVE_INFINITY;
    }
    ended();
    this.#durableChanges = Math.max(this.#durableChanges, changes);
    this.#onFlushed();
  }
}
