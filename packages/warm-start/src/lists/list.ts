import { type Clock, fromErrno } from '@blockyard/block';
import type { CacheDevice, HotRange, WarmUpOptions, WarmUpResult } from '@blockyard/cache';
import { ListFile } from '../files/list-file.js';
import type { ListKind, ListOwner } from '../format/range-list.js';
import type { ListEvent, WarmStartEvent } from './events.js';

/** What a list works with. */
export interface ListContext {
  readonly cache: CacheDevice;
  readonly volume: string;
  readonly clock: Clock;
  readonly onEvent: (event: WarmStartEvent) => void;
}

/** A list of ranges of one cache, in a file. Nothing of it fails: what goes wrong is told. */
export class List {
  readonly #context: ListContext;
  readonly #kind: ListKind;
  readonly #file: ListFile;
  /** Whether what is there may be replaced. */
  #mayWrite = true;
  /** Whether the last write did. It is told once. */
  #hasFailed = false;

  constructor(context: ListContext, kind: ListKind, path: string) {
    this.#context = context;
    this.#kind = kind;
    this.#file = new ListFile(path, kind);
  }

  get mayWrite(): boolean {
    return this.#mayWrite;
  }

  /** Undefined if there is none that is of use. */
  async load(): Promise<readonly HotRange[] | undefined> {
    const found = await this.#file.load(this.#owner);
    switch (found.state) {
      case 'missing':
        return undefined;
      case 'unusable':
        this.#mayWrite = found.isOwn;
        this.#tell({ type: 'ignored', reason: found.reason, isKept: !found.isOwn });
        return undefined;
      case 'usable':
        return found.ranges;
    }
  }

  /** Brings ranges in. Undefined if the cache has ended. */
  async bringIn(ranges: readonly HotRange[], options: WarmUpOptions): Promise<WarmUpResult['outcome']> {
    this.#tell({ type: 'begun', ranges: ranges.length, sizeBytes: this.sizeBytesOf(ranges) });
    try {
      const result = await this.#context.cache.warmUp(ranges, options);
      this.#tell({ type: 'warmed', result });
      return result.outcome;
    } catch {
      // It has ended before it began.
      return 'disconnected';
    }
  }

  /** Writes it. False if that failed. */
  async save(ranges: readonly HotRange[]): Promise<boolean> {
    try {
      await this.#file.save(this.#owner, ranges);
      this.#hasFailed = false;
      return true;
    } catch (error) {
      if (!this.#hasFailed) this.#tell({ type: 'failed', error: fromErrno(error) });
      this.#hasFailed = true;
      return false;
    }
  }

  recorded(ranges: readonly HotRange[]): void {
    this.#tell({ type: 'recorded', ranges: ranges.length, sizeBytes: this.sizeBytesOf(ranges) });
  }

  sizeBytesOf(ranges: readonly HotRange[]): number {
    return ranges.reduce((sum, { count }) => sum + count, 0) * this.#context.cache.info.sectorSize;
  }

  get #owner(): ListOwner {
    const { sectorSize, sizeSectors } = this.#context.cache.info;
    return { volume: this.#context.volume, sectorSize, sizeSectors };
  }

  #tell(event: ListEvent): void {
    try {
      this.#context.onEvent({ ...event, list: this.#kind, path: this.#file.path } as WarmStartEvent);
    } catch {
      // One who listens and fails must not be felt by those who use the device.
    }
  }
}
