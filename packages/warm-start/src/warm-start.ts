import { type Clock, checkDevice, type DisconnectOptions } from '@blockyard/block';
import type { CacheDevice } from '@blockyard/cache';
import { BootProfile } from './lists/boot-profile.js';
import { HotList } from './lists/hot-list.js';
import type { ListContext } from './lists/list.js';
import { type CheckedOptions, checkOptions, type WarmStartOptions } from './lists/options.js';
import { Timer } from './lists/timer.js';

/** A disk that does not answer must not keep a device from its end. */
const LAST_SAVE_MS_MAX = 5000;

/** A cache with a memory. */
export interface Remembering {
  /** Lists what the cache holds now, for an end that is near: then that takes less long. Nothing fails for it. */
  remember(): Promise<void>;
}

/**
 * Gives a cache a memory: what its files list is brought in, behind all requests, and what it holds is listed there, until the
 * cache is disconnected. Resolves with the same cache once the files are read, without waiting for what is brought in.
 *
 * Files are never in the way: one that is damaged, foreign or cannot be written is told of, and that is all. Rejects with
 * `INVALID_ARGUMENT` for options that make no sense, and with `DISCONNECTED`.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { connectCache } from '@blockyard/cache';
 * import { warmStart } from '@blockyard/warm-start';
 *
 * const cache = await connectCache(await connectMemory({ sizeSectors: 2048 }), { maxSizeBytes: 2 ** 20 });
 * const device = await warmStart(cache, { volume: 'disk-a', hotRanges: { path: 'hot-ranges' } });
 * await device.read(0, [new Uint8Array(4096)]);
 * await device.disconnect(); // and the file says what was read
 * ```
 */
export async function warmStart<D extends CacheDevice>(cache: D, options: WarmStartOptions): Promise<D & Remembering> {
  checkDevice(cache, 'cache');
  const checked = checkOptions(options);
  // Nothing is brought in, and the options are looked at.
  for (const list of [checked.hotRanges, checked.bootProfile])
    if (list !== undefined) await cache.warmUp([], list.warmUp);
  const lists = new Lists(cache, checked);
  await lists.load();
  const disconnect = cache.disconnect.bind(cache);
  cache.disconnect = async (how?: DisconnectOptions): Promise<void> => {
    if (how?.force === true) lists.end();
    const saved = how?.force === true ? undefined : await lists.save();
    await disconnect(how);
    lists.end();
    await saved?.written;
  };
  void lists.begin();
  return Object.assign(cache, { remember: () => lists.remember() });
}

/** The lists of one cache. */
class Lists {
  readonly #clock: Clock;
  readonly #profile: BootProfile | undefined;
  readonly #hot: HotList | undefined;

  constructor(cache: CacheDevice, { volume, clock, onEvent, bootProfile, hotRanges }: CheckedOptions) {
    const context: ListContext = { cache, volume, clock, onEvent };
    this.#clock = clock;
    this.#profile = bootProfile && new BootProfile(context, bootProfile);
    this.#hot = hotRanges && new HotList(context, hotRanges);
  }

  async load(): Promise<void> {
    await Promise.all([this.#profile?.load(), this.#hot?.load()]);
  }

  /** What is needed first comes first. */
  async begin(): Promise<void> {
    await this.#profile?.begin();
    await this.#hot?.begin();
  }

  async remember(): Promise<void> {
    await this.#hot?.remember();
  }

  /** Begins to write, while the cache is still there. What `written` waits for is bounded. */
  async save(): Promise<{ readonly written: Promise<void> }> {
    const ranges = await this.#hot?.last();
    const hot = ranges === undefined ? undefined : this.#hot?.save(ranges);
    const all = Promise.all([hot, this.#profile?.finish()]);
    return { written: this.#within(all, LAST_SAVE_MS_MAX) };
  }

  end(): void {
    this.#profile?.end();
    this.#hot?.end();
  }

  async #within(work: Promise<unknown>, maxMs: number): Promise<void> {
    const timer = new Timer(this.#clock);
    await Promise.race([work, new Promise<void>((resolve) => timer.set(resolve, maxMs))]);
    timer.clear();
  }
}
