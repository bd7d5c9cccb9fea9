import {
  type BlockDriver,
  type DisconnectOptions,
  type Extent,
  type MaybePromise,
  systemClock,
} from '@blockyard/block';
import { CALL_BYTES, forEachParallel, yielderOf } from '@blockyard/block/async';
import type { BufferPart } from './layout/geometry.js';
import { DELETES_AHEAD } from './objects/deleter.js';
import { ObjectReader } from './objects/reader.js';
import { resizeVolume } from './objects/resize.js';
import type { VolumeParts } from './objects/volume-parts.js';
import type { ObjectWriter } from './objects/writer.js';
import type { Lease } from './root/lease.js';

export interface S3DriverFacts {
  readonly name: string;
  readonly readOnly: boolean;
  /** Requests of one operation that are in flight at once. */
  readonly maxConcurrency: number;
}

/** A volume of objects in a store. */
export class S3Driver implements BlockDriver {
  readonly name: string;
  readonly readOnly: boolean;
  readonly sectorSize: number;
  readonly preferredIoBytes: number;
  /**
   * A sector lies in one object, since an object's size is whole sectors. An object is replaced as a whole by one PUT, under
   * its lock, with whatever else was wanted of it put together in the order of arrival; and a GET gives bytes of one version.
   * So no sector is torn [O3]. The store shows a PUT to every GET that begins after it, and what is known of absent objects is
   * up to date before a write resolves [O1].
   */
  readonly atomicSectors = true;
  readonly #parts: VolumeParts;
  readonly #reader: ObjectReader;
  readonly #writer: ObjectWriter;
  readonly #maxConcurrency: number;
  readonly #lease: Lease;
  /** Operations that complete from memory yield to the event loop, so that the store's answers come through. */
  readonly #yielder = yielderOf(systemClock);
  /** Changes that have completed or failed. */
  #changes = 0;
  /** Those that were there at the last flush that succeeded. */
  #flushedChanges = 0;

  constructor(parts: VolumeParts, writer: ObjectWriter, lease: Lease, facts: S3DriverFacts) {
    const { name, readOnly, maxConcurrency } = facts;
    this.name = name;
    this.readOnly = readOnly;
    this.sectorSize = parts.geometry.sectorSize;
    this.preferredIoBytes = parts.geometry.objectSizeBytes;
    this.#parts = parts;
    this.#reader = new ObjectReader(parts);
    this.#writer = writer;
    this.#lease = lease;
    this.#maxConcurrency = maxConcurrency;
  }

  get lost(): AbortSignal {
    return this.#parts.fence.lost;
  }

  get sizeSectors(): number {
    return this.#parts.geometry.sizeSectors;
  }

  read(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    const parts = this.#parts.geometry.split(start, buffers);
    const missing = this.#partsToFetch(parts);
    const first = missing.next();
    // Nothing but holes: known at once.
    if (first.done === true) return this.#yielder.spend(CALL_BYTES);
    return this.#forEach(startingWith(first.value, missing), (part) => this.#reader.fetch(part));
  }

  write(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    const parts = this.#parts.geometry.split(start, buffers);
    return this.#changing(() => this.#forEach(parts, (part) => this.#writer.write(part.index, part)));
  }

  /** A PUT that was answered is durable. What is left to find out is whether it may be claimed: see {@link Lease}. */
  async flush(): Promise<void> {
    const changes = this.#changes;
    if (changes === this.#flushedChanges) return this.#yielder.spend(CALL_BYTES);
    await this.#lease.confirmFlush();
    this.#flushedChanges = Math.max(this.#flushedChanges, changes);
  }

  /** The change of the root is a look at it as well. */
  resize(sizeSectors: number): Promise<void> {
    return this.#changing(() => resizeVolume(this.#parts, this.#writer, sizeSectors), false);
  }

  discard(start: number, count: number): Promise<void> {
    const { geometry } = this.#parts;
    const zero = (index: number) => this.#writer.write(index, geometry.partOf(index, start, count));
    const objects = this.#objectsIn(start, count);
    return this.#changing(() => forEachParallel(objects, { maxConcurrency: DELETES_AHEAD }, zero));
  }

  writeZeroes(start: number, count: number): Promise<void> {
    return this.discard(start, count);
  }

  async extents(start: number, count: number): Promise<Extent[]> {
    await this.#yielder.spend(CALL_BYTES);
    const { geometry, known } = this.#parts;
    const first = geometry.objectOf(start);
    const end = geometry.objectOf(start + count - 1) + 1;
    return Array.from(known.runs(first, end), (run) => ({
      ...geometry.sectorsOf(run, start, count),
      type: run.inside ? 'data' : 'zero',
    }));
  }

  async disconnect({ force = false }: DisconnectOptions): Promise<void> {
    const { root, known, store } = this.#parts;
    this.#lease.stop();
    const objectCount = known.count;
    if (!force && !this.readOnly) await root.giveBack((held) => ({ ...held, objectCount }));
    store.close();
  }

  #forEach(parts: Iterable<BufferPart>, task: (part: BufferPart) => Promise<void>): Promise<void> {
    return forEachParallel(parts, { maxConcurrency: this.#maxConcurrency }, task);
  }

  *#partsToFetch(parts: Iterable<BufferPart>): Generator<BufferPart> {
    for (const part of parts) if (this.#reader.needsFetch(part)) yield part;
  }

  /** Objects of a range that there may be something to take from, those included that a write in flight is about to make. */
  *#objectsIn(start: number, count: number): Generator<number> {
    const { geometry, known, locks } = this.#parts;
    const first = geometry.objectOf(start);
    const end = geometry.objectOf(start + count - 1) + 1;
    const held = new Set([...locks.keys()].filter((index) => index >= first && index < end));
    yield* held;
    for (const index of known.existing(first, end)) if (!held.has(index)) yield index;
  }

  async #changing(change: () => Promise<void>, confirms = true): Promise<void> {
    const lease = this.#lease;
    lease.begin();
    try {
      this.#parts.fence.check();
      await change();
      if (confirms) await lease.confirm();
      await this.#yielder.spend(CALL_BYTES);
    } finally {
      lease.end();
      this.#changes++;
    }
  }
}

function* startingWith<T>(first: T, rest: Iterable<T>): Generator<T> {
  yield first;
  yield* rest;
}
