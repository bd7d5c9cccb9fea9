import {
  type BlockDriver,
  BlockError,
  type Clock,
  type DisconnectOptions,
  type Extent,
  type Fragment,
  type MaybePromise,
} from '@blockyard/block';
import { CALL_BYTES, type Yielder, yielderOf } from '@blockyard/block/async';
import type { ObjectStore } from '@blockyard/object-store';
import type { LogVolume } from './log-volume.js';

/** A log volume that is open for writing. */
export class LogDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly preferredIoBytes: number;
  /** Sectors are copied to the open segment, or out of one, without waiting in between; objects never change [O3, O1]. */
  readonly atomicSectors = true;
  readonly #volume: LogVolume;
  readonly #store: ObjectStore;
  /** Operations that complete from memory yield to the event loop, so that the store's answers come through. */
  readonly #yielder: Yielder;

  constructor(
    volume: LogVolume,
    store: ObjectStore,
    facts: { readonly name: string; readonly preferredIoBytes: number; readonly clock: Clock },
  ) {
    this.#volume = volume;
    this.#store = store;
    this.#yielder = yielderOf(facts.clock);
    this.name = facts.name;
    this.preferredIoBytes = facts.preferredIoBytes;
    this.sectorSize = volume.state.sectorSize;
  }

  get lost(): AbortSignal {
    return this.#volume.fence.lost;
  }

  get sizeSectors(): number {
    return this.#volume.sizeSectors;
  }

  read(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    return this.#volume.read(start, buffers) ?? this.#yielder.spend(CALL_BYTES);
  }

  write(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    return this.#volume.write(start, buffers) ?? this.#yielder.spend(CALL_BYTES);
  }

  flush(): Promise<void> {
    return this.#volume.flush();
  }

  resize(sizeSectors: number): Promise<void> {
    return this.#volume.resize(sizeSectors);
  }

  discard(start: number, count: number): MaybePromise<void> {
    return this.#volume.zero(start, count);
  }

  writeZeroes(start: number, count: number): MaybePromise<void> {
    return this.#volume.zero(start, count);
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#volume.extents(start, count);
  }

  fragments(start: number, count: number): Fragment[] | undefined {
    return this.#volume.fragments(start, count);
  }

  async disconnect({ force = false }: DisconnectOptions): Promise<void> {
    if (force) this.#volume.abandon(new BlockError('DISCONNECTED', 'the volume was disconnected'));
    else await this.#volume.end();
    this.#store.close();
  }
}
