import {
  type BlockDriver,
  BlockError,
  type Clock,
  type Extent,
  type Fragment,
  type MaybePromise,
} from '@blockyard/block';
import { CALL_BYTES, type Yielder, yielderOf } from '@blockyard/block/async';
import type { ObjectStore } from '@blockyard/object-store';
import type { LogView } from './log-view.js';

/** A log volume that is only read. Its size is the one that it had when it was opened. */
export class LogViewDriver implements BlockDriver {
  readonly name: string;
  readonly readOnly = true;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly preferredIoBytes: number;
  readonly atomicSectors = true;
  readonly #view: LogView;
  readonly #store: ObjectStore;
  readonly #yielder: Yielder;

  constructor(
    view: LogView,
    store: ObjectStore,
    facts: { readonly name: string; readonly preferredIoBytes: number; readonly clock: Clock },
  ) {
    this.#view = view;
    this.#store = store;
    this.#yielder = yielderOf(facts.clock);
    this.name = facts.name;
    this.preferredIoBytes = facts.preferredIoBytes;
    this.sectorSize = view.state.sectorSize;
    this.sizeSectors = view.state.sizeSectors;
  }

  read(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    return this.#view.read(start, buffers) ?? this.#yielder.spend(CALL_BYTES);
  }

  write(): never {
    throw readOnly();
  }

  flush(): void {}

  resize(): never {
    throw readOnly();
  }

  discard(): never {
    throw readOnly();
  }

  writeZeroes(): never {
    throw readOnly();
  }

  extents(start: number, count: number): Promise<Extent[]> {
    return this.#view.extents(start, count);
  }

  fragments(start: number, count: number): Fragment[] | undefined {
    return this.#view.fragments(start, count);
  }

  disconnect(): void {
    this.#view.end();
    this.#store.close();
  }
}

function readOnly(): BlockError {
  return new BlockError('READ_ONLY', 'the volume is open for reading');
}
