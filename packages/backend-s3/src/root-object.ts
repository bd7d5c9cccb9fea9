import { BlockError } from '@blockyard/block';
import type { Fence } from './fence.js';
import { describeHolder } from './holder.js';
import { joinNext } from './join-next.js';
import type { Keys } from './keys.js';
import { decodeRoot, encodeRoot, ROOT_BYTES_MAX, type Root } from './root.js';
import { newId } from './stamp.js';
import type { Condition, ObjectStore, PutResult } from './store.js';
import type { Version } from './version.js';

/** Reads the root of a volume. `NOT_FOUND` if there is none, `CORRUPT` or `UNSUPPORTED` if it is none that can be used. */
export async function readRoot(store: ObjectStore, keys: Keys): Promise<{ root: Root; version: Version }> {
  const found = await store.getSmall(keys.root, ROOT_BYTES_MAX);
  if (found === undefined)
    throw new BlockError('NOT_FOUND', `no volume here: ${store.urlOf(keys.root)} does not exist`);
  return { root: decodeRoot(found.bytes, store.urlOf(keys.root)), version: found.version };
}

/** Writes a root, stamped with its own change id. */
export function putRoot(store: ObjectStore, keys: Keys, root: Root, condition: Condition): Promise<PutResult> {
  const stamp = { volumeId: root.volumeId, epoch: root.writerEpoch, writeId: root.changeId };
  return store.put(keys.root, encodeRoot(root), condition, stamp);
}

/**
 * The root object of an open volume, changed only by compare-and-swap on its ETag. It is where two writers meet: whoever
 * wrote the highest epoch has the volume.
 */
export class RootObject {
  readonly #store: ObjectStore;
  readonly #keys: Keys;
  readonly #fence: Fence;
  #root: Root;
  #etag: string;
  /** A change of ours failed in a way that leaves open whether the store carried it out, or still will. */
  #isDoubtful = false;

  constructor(store: ObjectStore, keys: Keys, fence: Fence, found: { root: Root; version: Version }) {
    this.#store = store;
    this.#keys = keys;
    this.#fence = fence;
    this.#root = found.root;
    this.#etag = found.version.etag;
  }

  get root(): Root {
    return this.#root;
  }

  /**
   * Makes this process the writer: takes the next epoch. `LOCKED` if the root changed since it was read: two writers that
   * start at once are better told than left to fence each other.
   */
  async takeOver(): Promise<void> {
    const next: Root = {
      ...this.#root,
      writerEpoch: this.#root.writerEpoch + 1,
      opening: newId(),
      holder: null,
      objectCount: null,
      changeId: newId(),
    };
    const result = await putRoot(this.#store, this.#keys, next, { etag: this.#etag });
    if (result.kind === 'failed') throw result.error;
    if (result.kind === 'lost') {
      throw new BlockError('LOCKED', `another writer changed ${this.#url} at the same moment`);
    }
    this.#root = next;
    this.#etag = result.etag;
  }

  /** Stores a new size. On failure the old one holds. */
  async resize(sizeSectors: number): Promise<void> {
    if (this.#isDoubtful) await this.verify();
    await this.#replace({ ...this.#root, sizeSectors }, this.#etag);
  }

  /**
   * Resolves if the volume is ours still and its root is what we believe: so what the store acknowledged before this call it
   * took before any other writer came. Otherwise throws, `FENCED` if somebody else has the volume.
   *
   * Calls at the same time share a request; each gets the answer to one that began after it.
   */
  readonly verify = joinNext(() => this.#verify());

  async #verify(): Promise<void> {
    this.#fence.check();
    const found = await readRoot(this.#store, this.#keys);
    this.#checkOwner(found.root);
    // A failed change of ours may be what is there, or may come yet. Writing once more what holds settles both: the late one
    // was meant for a version that is then gone.
    if (this.#isDoubtful || found.root.changeId !== this.#root.changeId) {
      await this.#replace(this.#root, found.version.etag);
    }
  }

  async #replace(wanted: Root, etag: string): Promise<void> {
    const next = { ...wanted, changeId: newId() };
    const result = await putRoot(this.#store, this.#keys, next, { etag });
    if (result.kind === 'failed') {
      this.#isDoubtful ||= result.late;
      throw result.error;
    }
    if (result.kind === 'lost') {
      const { root } = await readRoot(this.#store, this.#keys);
      this.#checkOwner(root);
      // A late change of our own came in between.
      this.#isDoubtful = true;
      throw new BlockError('UNAVAILABLE', `${this.#url} changed meanwhile; try again`);
    }
    this.#root = next;
    this.#etag = result.etag;
    this.#isDoubtful = false;
  }

  #checkOwner({ volumeId, writerEpoch, opening, holder }: Root): void {
    if (volumeId !== this.#root.volumeId) this.#fence.raise(`${this.#url} is the root of another volume now`);
    const by = holder === null ? '' : ` (${describeHolder(holder)})`;
    if (writerEpoch !== this.#root.writerEpoch) {
      this.#fence.raise(`${this.#url} is at epoch ${writerEpoch}${by}, ours was ${this.#root.writerEpoch}`);
    }
    // The root may have been put back to an earlier version, and the volume been opened from there.
    if (opening !== this.#root.opening) {
      this.#fence.raise(`${this.#url} is at epoch ${writerEpoch} as ours, but of another opening${by}`);
    }
  }

  get #url(): string {
    return this.#store.urlOf(this.#keys.root);
  }
}
