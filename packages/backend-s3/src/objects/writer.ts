import { BlockError } from '@blockyard/block';
import { type Condition, newId } from '@blockyard/object-store';
import type { Deleter } from './deleter.js';
import type { DataObjectStamp } from './format.js';
import { ObjectImage } from './image.js';
import { allZeroes, coverAll, endOf, type Patch } from './patch.js';
import { ObjectReader } from './reader.js';
import type { RecentObjects } from './recent-objects.js';
import type { Version } from './version.js';
import type { VolumeParts } from './volume-parts.js';

/** Times that a change starts again because the object turned out to be another version than the one it was made for. */
const RESTARTS_MAX = 5;

/** An object as it is to become, and the version it is to replace, if that is known. */
interface Change {
  readonly image: ObjectImage;
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
 * stamp on what is there instead tells who was faster. A later epoch: this writer is fenced, and stops, if the root says so
 * too. An earlier one, or our own: a write that arrived late, after the takeover or after it was given up; the change is made
 * again over that.
 *
 * An object of an earlier opening where there was none is one that the listing has left out, or a late write: no one can tell
 * them apart, so it is kept, and the change is made to what it holds. Only what this opening wrote or deleted is known to count
 * for nothing where this opening believes that there is nothing.
 */
export class ObjectWriter {
  readonly #parts: VolumeParts;
  readonly #reader: ObjectReader;
  readonly #deleter: Deleter;
  readonly #recent: RecentObjects;
  /** By object: what is put together for its next change. */
  readonly #waiting = new Map<number, { readonly patches: Patch[]; readonly done: Promise<void> }>();

  constructor(parts: VolumeParts, deleter: Deleter, recent: RecentObjects) {
    this.#parts = parts;
    this.#reader = new ObjectReader(parts);
    this.#deleter = deleter;
    this.#recent = recent;
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
    const { fence, known, writes, objects } = this.#parts;
    let over: Condition | undefined;
    for (let restarts = 0; restarts <= RESTARTS_MAX; restarts++) {
      fence.check();
      if (!known.mayExist(index) && allZeroes(patches)) return;
      const attempt = await writes.run(() => this.#attempt(index, patches, over));
      if (attempt.kind === 'done') return;
      // Deletes wait for each other, and hold up no other change: all that wait go in one request.
      if (attempt.kind === 'delete' && (await this.#delete(index, attempt.etag))) return;
      over = attempt.kind === 'again' ? attempt.over : undefined;
    }
    throw new BlockError('UNAVAILABLE', `${objects.urlOf(index)}: changed ${RESTARTS_MAX} times meanwhile`);
  }

  async #attempt(index: number, patches: readonly Patch[], over: Condition | undefined): Promise<Attempt> {
    const { known } = this.#parts;
    const { image, replaces = over } = await this.#prepare(index, patches);
    if (image.isEmpty && !known.mayExist(index)) return { kind: 'done' };
    // A PUT that may still arrive would bring deleted data back. An object without data is there, and keeps it out.
    if (image.isEmpty && !known.mayComeLate(index)) {
      const etag = typeof replaces === 'object' ? replaces.etag : known.etagOf(index);
      return { kind: 'delete', etag };
    }
    return this.#put(index, image, replaces ?? (await this.#current(index)));
  }

  /** Lays the patches over what the object holds now, which is fetched only if any of it stays and it is not in memory. */
  async #prepare(index: number, patches: readonly Patch[]): Promise<Change> {
    const { geometry, known } = this.#parts;
    if (coverAll(patches, geometry.dataBytesOf(index))) {
      this.#recent.drop(index);
      return { image: this.#build(index, patches), replaces: undefined };
    }
    if (!known.mayExist(index)) return { image: this.#build(index, patches), replaces: undefined };
    const { image, replaces } = this.#remember(index) ?? (await this.#load(index));
    image.apply(patches);
    return { image, replaces };
  }

  #build(index: number, patches: readonly Patch[]): ObjectImage {
    const dataBytes = patches.reduce((end, patch) => (patch.buffers ? Math.max(end, endOf(patch)) : end), 0);
    const image = new ObjectImage(this.#parts.imageFacts, index, dataBytes);
    image.apply(patches);
    return image;
  }

  #remember(index: number): Change | undefined {
    const recent = this.#recent.take(index);
    return recent && { image: recent.image, replaces: { etag: recent.etag } };
  }

  async #load(index: number): Promise<Change> {
    const { known, guard, imageFacts, geometry } = this.#parts;
    const found = await this.#reader.load(index);
    if (found !== undefined) return { image: found.image, replaces: found.version };
    if (!known.isDoubtful(index)) await guard.missing(index);
    known.noticeMissing(index);
    return { image: new ObjectImage(imageFacts, index, geometry.sectorSize), replaces: 'absent' };
  }

  /** The version to replace for a change that needs none of its contents. */
  async #current(index: number): Promise<Condition> {
    const { objects, known, guard } = this.#parts;
    if (!known.mayExist(index)) return 'absent';
    const etag = known.etagOf(index);
    if (etag !== undefined) return { etag };
    const version = await objects.head(index);
    if (version !== undefined) {
      await guard.check(index, version);
      return { etag: version.etag };
    }
    return known.isDoubtful(index) ? 'absent' : guard.missing(index);
  }

  async #put(index: number, image: ObjectImage, condition: Condition): Promise<Attempt> {
    const { objects, conditionalPuts, known } = this.#parts;
    const stamp = this.#stampFor(index, image);
    const result = await objects.put(index, image.seal(stamp), condition, stamp);
    if (result.late && condition === 'absent') known.expectLate(index);
    if (result.kind === 'stored') {
      known.stored(index, result.etag);
      known.learnFormat(index, false);
      // What an attempt without an answer may still be sending is not to be changed, nor is what no condition protects.
      if (!result.late && conditionalPuts) this.#recent.keep(index, { image, stamp, etag: result.etag });
      return { kind: 'done' };
    }
    if (result.kind === 'lost') return this.#meet(index, result.found);
    // What was to be replaced exists in any case, in one version or the other.
    if (result.late && condition === 'absent') known.doubt(index);
    if (result.late) known.forgetVersion(index);
    throw result.error;
  }

  #stampFor(index: number, image: ObjectImage): DataObjectStamp {
    const { volumeId, writerEpoch, opening } = this.#parts.root.root;
    if (opening === null) throw new Error('a volume that is open for writing has an opening');
    const data = { index, opening, dataBytes: image.dataBytes };
    return { volumeId, epoch: writerEpoch, writeId: newId(), data };
  }

  /** What to do about a version that is not the one to replace. */
  async #meet(index: number, found: Version | undefined): Promise<Attempt> {
    const { known, guard } = this.#parts;
    known.forgetVersion(index);
    if (found === undefined) {
      if (!known.isDoubtful(index) && known.mayExist(index)) await guard.missing(index);
      return { kind: 'again', over: 'absent' };
    }
    await guard.check(index, found);
    const countsForNothing = guard.isOwn(found) || known.wasDiscarded(index);
    if (known.mayExist(index) || countsForNothing) return { kind: 'again', over: found };
    known.stored(index, found.etag);
    return { kind: 'again' };
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
