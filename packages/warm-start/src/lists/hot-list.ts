import type { HotRange } from '@blockyard/cache';
import { List, type ListContext } from './list.js';
import type { HotRangesOptions } from './options.js';
import { Timer } from './timer.js';

/** How often ranges are brought in whose reads fail. Later on what is missing is forgotten. */
const ATTEMPTS_MAX = 3;
/** A list that was written so long before the end is not written again. */
const REMEMBERED_MS = 10_000;

/**
 * Remembers what a cache held: brings it in at the start, and writes it down now and then and at the end. Until it is in, the
 * list of before stays: a process that ends soon after its start must not forget what it had no time for.
 */
export class HotList {
  readonly #context: ListContext;
  readonly #options: Required<HotRangesOptions>;
  readonly #list: List;
  readonly #timer: Timer;
  readonly #start: Timer;
  #isLoaded = false;
  /** When it was written because the end is near. */
  #rememberedAtMs = Number.NEGATIVE_INFINITY;
  /** What is yet to be brought in. */
  #ranges: readonly HotRange[] | undefined;
  #attempts = 0;
  #isWarming = false;
  #hasEnded = false;
  /** Look-ups of the cache when the list was written. */
  #lookupsSaved = 0;
  /** One write after the other. */
  #saving: Promise<unknown> = Promise.resolve();

  constructor(context: ListContext, options: Required<HotRangesOptions>) {
    this.#context = context;
    this.#options = options;
    this.#list = new List(context, 'hot ranges', options.path);
    this.#timer = new Timer(context.clock);
    this.#start = new Timer(context.clock);
  }

  /** Once, and first, unless that is to be later. */
  async load(): Promise<void> {
    if (this.#options.startDelayMs === 0) await this.#load();
  }

  /** Begins to bring in what was read, behind all requests. Resolves when that is over. */
  async begin(): Promise<void> {
    if (!this.#isLoaded) {
      await new Promise<void>((resolve) => this.#start.set(resolve, this.#options.startDelayMs));
      await this.#load();
    }
    this.#schedule();
    await this.#warmUp();
  }

  /** What is to be written at the end; undefined: nothing. Called while the cache still answers. */
  async last(): Promise<readonly HotRange[] | undefined> {
    const isWritten = this.#context.clock.now() - this.#rememberedAtMs < REMEMBERED_MS;
    return this.#maySave && !isWritten ? this.#hotRanges() : undefined;
  }

  /** Writes it because the end is near. */
  async remember(): Promise<void> {
    const ranges = await this.last();
    if (ranges !== undefined && (await this.save(ranges))) this.#rememberedAtMs = this.#context.clock.now();
  }

  /** Writes it, once what is being written is. False if that failed. */
  save(ranges: readonly HotRange[]): Promise<boolean> {
    const saved = this.#saving.then(() => this.#list.save(ranges));
    this.#saving = saved;
    return saved;
  }

  end(): void {
    this.#hasEnded = true;
    this.#timer.clear();
    this.#start.clear();
  }

  /** Not before what was there is in. */
  get #maySave(): boolean {
    return this.#isLoaded && this.#list.mayWrite && this.#ranges === undefined && !this.#hasEnded;
  }

  async #load(): Promise<void> {
    this.#ranges = await this.#list.load();
    this.#isLoaded = true;
  }

  #schedule(): void {
    if (this.#hasEnded || !this.#list.mayWrite) return;
    this.#timer.set(() => void this.#onTime(), this.#options.saveIntervalMs);
  }

  async #onTime(): Promise<void> {
    if (this.#ranges === undefined) await this.#saveIfUsed();
    else if (!this.#isWarming) await this.#warmUp();
    this.#schedule();
  }

  async #warmUp(): Promise<void> {
    if (this.#ranges === undefined || this.#hasEnded) return;
    this.#isWarming = true;
    const outcome = await this.#list.bringIn(this.#ranges, this.#options.warmUp);
    this.#isWarming = false;
    if (outcome === 'disconnected') return;
    if (outcome === 'failed' && ++this.#attempts < ATTEMPTS_MAX) return;
    this.#ranges = undefined;
  }

  async #saveIfUsed(): Promise<void> {
    const { lookups } = this.#context.cache.snapshot();
    if (!this.#maySave || lookups === this.#lookupsSaved) return;
    const ranges = await this.#hotRanges();
    if (ranges === undefined || this.#hasEnded) return;
    if (await this.save(ranges)) this.#lookupsSaved = lookups;
  }

  /** Undefined if the cache has ended. */
  async #hotRanges(): Promise<readonly HotRange[] | undefined> {
    try {
      return await this.#context.cache.hotRanges(this.#options.maxRanges);
    } catch {
      return undefined;
    }
  }
}
