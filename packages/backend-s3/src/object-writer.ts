import { BlockError } from '@blockyard/block';
import type { Deleter } from './deleter.js';
import type { Fence } from './fence.js';
import type { Geometry } from './geometry.js';
import type { Guard } from './guard.js';
import { dataKey, type Keys } from './keys.js';
import type { KnownObjects } from './known-objects.js';
import type { ObjectLocks } from './object-locks.js';
import { allZeroes, applyPatches, coverAll, endOf, type Patch, trimmedLength } from './patch.js';
import type { RootObject } from './root-object.js';
import type { Slots } from './slots.js';
import { HEADER_BYTES, newId, putHeader } from './stamp.js';
import { busy, type Condition, type ObjectStore } from './store.js';

/** Times that a change starts again because the object turned out to be another version than the one it was made for. */
const RESTARTS_MAX = 5;

/** What the reader and the writer of an open volume share. */
export interface VolumeParts {
  readonly store: ObjectStore;
  readonly keys: Keys;
  readonly geometry: Geometry;
  readonly root: RootObject;
  readonly known: KnownObjects;
  readonly locks: ObjectLocks;
  readonly slots: Slots;
  readonly fence: Fence;
  readonly guard: Guard;
}

/** An object as it is to become, and the version it is to replace, if that is known. */
interface Change {
  /** Header and data, without the zeroes at the end. Undefined: no data. */
  readonly object: Uint8Array | undefined;
  readonly replaces: Condition | undefined;
}

/** What came of trying a change: made; to be tried anew, over what was found in the way; or left to a delete. */
type Attempt =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly over?: Condition }
  | { readonly kind: 'delete'; readonly etag: string | undefined };

/**
 * Changes data objects, one change at a time for each. What wants to change an object while a change of it is under way is put
 * together and becomes one change after that.
 *
 * Every PUT carries a condition: the version that was read or seen last, or that there is none. When it does not hold, the
 * stamp on what is there instead tells who was faster. A later epoch: this writer is fenced, and stops. An earlier one,
 * or our own: a write that arrived late, after the takeover or after it was given up; the change is made again over that.
 */
export class ObjectWriter {
  readonly #parts: VolumeParts;
  readonly #deleter: Deleter;
  /** By object: what is put together for its next change. */
  readonly #waiting = new Map<number, { readonly patches: Patch[]; readonly done: Promise<void> }>();

  constructor(parts: VolumeParts, deleter: Deleter) {
    this.#parts = parts;
    this.#deleter = deleter;
  }

  /** Resolves when the store has taken the change. The buffers must stay as they are until then. */
  write(index: number, patch: Patch): Promise<void> {
    const waiting = this.#waiting.get(index);
    if (waiting !== undefined) {
      waiting.patches.push(patch);
      return waiting.done;
    }
    const patches = [patch];
    const done = this.#parts.locks.run(index, () => {
      this.#waiting.delete(index);
      return this.#change(index, patches);
    });
    this.#waiting.set(index, { patches, done });
    return done;
  }

  /** Makes the change, however often another version gets in between. Called with the object's lock held. */
  async #change(index: number, patches: readonly Patch[]): Promise<void> {
    const { fence, known, slots, store, keys } = this.#parts;
    let over: Condition | undefined;
    for (let restarts = 0; restarts <= RESTARTS_MAX; restarts++) {
      fence.check();
      if (!known.mayExist(index) && allZeroes(patches)) return;
      const attempt = await slots.run(() => this.#attempt(index, patches, over));
      if (attempt.kind === 'done') return;
      // Deletes wait for each other, without a slot: all that wait go in one request.
      if (attempt.kind === 'delete' && (await this.#delete(index, attempt.etag))) return;
      over = attempt.kind === 'again' ? attempt.over : undefined;
    }
    throw new BlockError(
      'UNAVAILABLE',
      `${store.urlOf(dataKey(keys, index))}: changed ${RESTARTS_MAX} times meanwhile`,
    );
  }

  async #attempt(index: number, patches: readonly Patch[], over: Condition | undefined): Promise<Attempt> {
    const { known } = this.#parts;
    const { object, replaces = over } = await this.#prepare(index, patches);
    if (object === undefined && !known.mayExist(index)) return { kind: 'done' };
    // A PUT that may still arrive would bring deleted data back. An object without data is there, and keeps it out.
    if (object === undefined && !known.mayComeLate(index)) {
      const etag = typeof replaces === 'object' ? replaces.etag : known.etagOf(index);
      return { kind: 'delete', etag };
    }
    return this.#put(index, object ?? new Uint8Array(HEADER_BYTES), replaces ?? (await this.#current(index)));
  }

  /** Lays the patches over what the object holds now, which is read only if any of it stays. */
  async #prepare(index: number, patches: readonly Patch[]): Promise<Change> {
    const { geometry, known } = this.#parts;
    const dataBytes = geometry.dataBytesOf(index);
    const endBytes = patches.reduce((end, patch) => Math.max(end, endOf(patch)), 0);
    if (coverAll(patches, dataBytes)) {
      return { object: allZeroes(patches) ? undefined : this.#build(endBytes, patches), replaces: undefined };
    }
    // What does not exist is zeroes, whatever an earlier writer's late PUT may have made of it since.
    if (!known.mayExist(index)) return { object: this.#build(endBytes, patches), replaces: undefined };
    const object = new Uint8Array(HEADER_BYTES + geometry.objectSizeBytes);
    const replaces = await this.#load(index, object);
    return { object: this.#finish(object, patches), replaces };
  }

  #build(dataBytes: number, patches: readonly Patch[]): Uint8Array | undefined {
    return this.#finish(new Uint8Array(HEADER_BYTES + dataBytes), patches);
  }

  #finish(object: Uint8Array, patches: readonly Patch[]): Uint8Array | undefined {
    const data = object.subarray(HEADER_BYTES);
    applyPatches(data, patches);
    const lengthBytes = trimmedLength(data, this.#parts.geometry.sectorSize);
    return lengthBytes === 0 ? undefined : object.subarray(0, HEADER_BYTES + lengthBytes);
  }

  /** Reads the whole object, header and all. Gives its version, or `absent` if that is as it may be. */
  async #load(index: number, into: Uint8Array): Promise<Condition> {
    const { store, keys, known, guard } = this.#parts;
    const key = dataKey(keys, index);
    const version = await store.get(key, [into], 0);
    if (version === undefined) {
      if (!known.isDoubtful(index)) await guard.missing(index);
      into.fill(0);
      return 'absent';
    }
    if (version === 'busy') throw busy(store.urlOf(key));
    if (version === 'beyond' || version.sizeBytes < HEADER_BYTES || version.sizeBytes > into.byteLength) {
      const sizeBytes = version === 'beyond' ? 0 : version.sizeBytes;
      throw new BlockError(
        'CORRUPT',
        `${store.urlOf(key)}: has ${sizeBytes} bytes, not ${HEADER_BYTES} to ${into.byteLength}`,
      );
    }
    guard.check(index, version);
    return version;
  }

  /** The version to replace for a change that needs none of its contents. */
  async #current(index: number): Promise<Condition> {
    const { store, keys, known, guard } = this.#parts;
    if (!known.mayExist(index)) return 'absent';
    const etag = known.etagOf(index);
    if (etag !== undefined) return { etag };
    const version = await store.head(dataKey(keys, index));
    if (version !== undefined) {
      guard.check(index, version);
      return version;
    }
    return known.isDoubtful(index) ? 'absent' : guard.missing(index);
  }

  async #put(index: number, object: Uint8Array, condition: Condition): Promise<Attempt> {
    const { store, keys, known, guard, root } = this.#parts;
    const { volumeId, writerEpoch } = root.root;
    const writeId = newId();
    putHeader(object, writeId);
    const result = await store.put(dataKey(keys, index), object, condition, { volumeId, epoch: writerEpoch, writeId });
    if (result.late && condition === 'absent') known.expectLate(index);
    if (result.kind === 'stored') {
      known.stored(index, result.etag);
      return { kind: 'done' };
    }
    if (result.kind === 'failed') {
      if (result.late) known.doubt(index);
      throw result.error;
    }
    const { found } = result;
    if (found !== undefined) guard.check(index, found);
    else if (!known.isDoubtful(index) && known.mayExist(index)) await guard.missing(index);
    known.forgetVersion(index);
    return { kind: 'again', over: found ?? 'absent' };
  }

  /** True: the object is gone. False: it is another version than the one to delete. */
  async #delete(index: number, etag: string | undefined): Promise<boolean> {
    const { known } = this.#parts;
    try {
      const outcome = await this.#deleter.delete(index, etag);
      if (outcome === 'gone') known.deleted(index);
      else known.forgetVersion(index);
      return outcome === 'gone';
    } catch (error) {
      known.doubt(index);
      throw error;
    }
  }
}
