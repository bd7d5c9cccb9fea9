import { byteLengthOf, type Loan } from '@blockyard/block';
import type { CacheDevice, HotRange } from '@blockyard/cache';
import { List, type ListContext } from './list.js';
import type { BootProfileOptions } from './options.js';
import { Recorder } from './recorder.js';
import { Timer } from './timer.js';

/** One who looked at a few sectors and left has not started anything. */
const MIN_RECORD_BYTES = 2 ** 20;

/** Records what a first start reads, and brings it in at later ones, in the same order. */
export class BootProfile {
  readonly #cache: CacheDevice;
  readonly #options: Required<BootProfileOptions>;
  readonly #list: List;
  readonly #timer: Timer;
  #ranges: readonly HotRange[] | undefined;
  /** While it records. */
  #recorder: Recorder | undefined;
  #isTimed = false;

  constructor(context: ListContext, options: Required<BootProfileOptions>) {
    this.#cache = context.cache;
    this.#options = options;
    this.#list = new List(context, 'boot profile', options.path);
    this.#timer = new Timer(context.clock);
  }

  /** Once, and first. Where there is no profile, recording begins with this. */
  async load(): Promise<void> {
    this.#ranges = await this.#list.load();
    if (this.#ranges === undefined && this.#list.mayWrite) this.#record();
  }

  /** Brings in what was read, if there was anything. Resolves when that is over. */
  async begin(): Promise<void> {
    const ranges = this.#ranges;
    this.#ranges = undefined;
    if (ranges !== undefined) await this.#list.bringIn(ranges, this.#options.warmUp);
  }

  /** Ends the recording, and writes what there is. */
  async finish(): Promise<void> {
    const recorder = this.#recorder;
    this.end();
    const { sectorSize } = this.#cache.info;
    if (recorder === undefined || recorder.sectors * sectorSize < MIN_RECORD_BYTES) return;
    const ranges = recorder.ranges();
    if (await this.#list.save(ranges)) this.#list.recorded(ranges);
  }

  /** Ends the recording, and forgets it. */
  end(): void {
    this.#recorder = undefined;
    this.#timer.clear();
  }

  /** From now on all reads pass here. */
  #record(): void {
    const { maxRecordBytes, maxRanges } = this.#options;
    const cache = this.#cache;
    const maxSectors = Math.max(1, Math.floor(maxRecordBytes / cache.info.sectorSize));
    this.#recorder = new Recorder({ maxSectors, maxRanges });
    const read = cache.read.bind(cache);
    cache.read = (start: number, buffers: readonly Uint8Array[]): Promise<void> => {
      const done = read(start, buffers);
      if (this.#recorder === undefined) return done;
      const count = Array.isArray(buffers) ? byteLengthOf(buffers) / cache.info.sectorSize : 0;
      // What fails was no part of a start.
      done.then(
        () => this.#add(start, count),
        () => {},
      );
      return done;
    };
    const lend = cache.lend?.bind(cache);
    if (lend === undefined) return;
    cache.lend = (start: number, count: number): Loan | undefined => {
      const loan = lend(start, count);
      if (loan !== undefined) this.#add(start, count);
      return loan;
    };
  }

  #add(start: number, count: number): void {
    const recorder = this.#recorder;
    if (recorder === undefined || count === 0) return;
    recorder.add(start, count);
    if (recorder.isFull) void this.finish();
    else if (!this.#isTimed) {
      this.#isTimed = true;
      this.#timer.set(() => void this.finish(), this.#options.maxRecordMs);
    }
  }
}
