import { BlockError } from '@blockyard/block';
import { coalesce } from '@blockyard/block/async';
import {
  type Condition,
  newId,
  type ObjectStore,
  type ObjectVersion,
  type PutResult,
  readWhole,
} from '@blockyard/object-store';
import type { Keys } from '../layout/keys.js';
import { encodeStamp } from '../layout/stamp.js';
import type { Fence } from './fence.js';
import { describeHolder, type Holder } from './holder.js';
import { decodeRoot, encodeRoot, ROOT_BYTES_MAX, type Root } from './root.js';
import { atMost, timeStamp, type VolumeClock } from './volume-clock.js';

/** Longest that an end waits for the root to say that the volume is free. */
const GIVE_BACK_MS_MAX = 5000;

/** A look at the root, or a change of it, that found the volume ours. */
export interface Sighting {
  /** Looks are numbered in the order in which they began. */
  readonly look: number;
  /** When it was begun, on the clocks of this machine. */
  readonly steadyMs: number;
  readonly wallMs: number | undefined;
  /** When the store answered, on its own clocks. Undefined if it does not say. */
  readonly answeredMs: number | undefined;
}

/** A root, and the version of the object that it was found in. */
export interface FoundRoot {
  readonly root: Root;
  readonly version: ObjectVersion;
}

/** Reads the root of a volume. `NOT_FOUND` if there is none, `CORRUPT` or `UNSUPPORTED` if it cannot be used. */
export async function readRoot(store: ObjectStore, keys: Keys): Promise<FoundRoot> {
  const found = await readWhole(store, keys.root, ROOT_BYTES_MAX);
  if (found === undefined)
    throw new BlockError('NOT_FOUND', `no volume here: ${store.urlOf(keys.root)} does not exist`);
  return { root: decodeRoot(found.bytes, store.urlOf(keys.root)), version: found.version };
}

/** Writes a root, stamped with its own change id. */
export function putRoot(store: ObjectStore, keys: Keys, root: Root, condition: Condition): Promise<PutResult> {
  const stamp = { volumeId: root.volumeId, epoch: root.writerEpoch, writeId: root.changeId };
  return store.put(keys.root, encodeRoot(root), condition, encodeStamp(stamp));
}

/**
 * The root object of an open volume, changed only by compare-and-swap on its ETag. It is where two writers meet: the one that
 * wrote the highest epoch has the volume.
 */
export class RootObject {
  readonly #store: ObjectStore;
  readonly #keys: Keys;
  readonly #fence: Fence;
  readonly #clock: VolumeClock;
  #root: Root;
  #etag: string;
  #isDoubtful = false;
  #renewAtMs = Number.POSITIVE_INFINITY;
  #seen: Sighting | undefined;
  #looksBegun = 0;
  /** Changes of the root, one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: ObjectStore, keys: Keys, fence: Fence, clock: VolumeClock, found: FoundRoot) {
    this.#store = store;
    this.#keys = keys;
    this.#fence = fence;
    this.#clock = clock;
    this.#root = found.root;
    this.#etag = found.version.etag;
  }

  get root(): Root {
    return this.#root;
  }

  /** The last look at the root that found the volume ours. */
  get seen(): Sighting | undefined {
    return this.#seen;
  }

  /** How many looks have begun. */
  get looksBegun(): number {
    return this.#looksBegun;
  }

  /** Whether a change of ours failed in a way that leaves open whether the store carried it out, or still will. */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /**
   * Makes this process the writer: takes the next epoch. `LOCKED` if the root changed since it was read: two writers that start
   * at once are better told than left to fence each other.
   */
  async takeOver(holder: Holder): Promise<void> {
    const report = this.#beginLook();
    const next: Root = {
      ...this.#root,
      writerEpoch: this.#root.writerEpoch + 1,
      opening: newId(),
      holder,
      objectCount: null,
      changeId: newId(),
    };
    const result = await putRoot(this.#store, this.#keys, next, { etag: this.#etag });
    if (result.kind === 'failed') throw result.error;
    if (result.kind === 'lost') {
      throw new BlockError('LOCKED', `another writer changed ${this.#url} at the same moment`);
    }
    this.#took(next, result.etag);
    report();
  }

  /** The leases of all earlier writers have ended. The root says so with the next look. */
  settle(leaseMs: number): void {
    const { holder } = this.#root;
    if (holder === null || holder.settled) return;
    this.#root = { ...this.#root, holder: { ...holder, leaseMs, settled: true } };
    this.#renewAtMs = this.#clock.now();
  }

  /** Stores a new size. On failure the old one holds. */
  resize(sizeSectors: number): Promise<void> {
    return this.#alone(async () => {
      if (this.#isDoubtful) await this.#verify();
      await this.#replace({ ...this.#root, sizeSectors }, this.#etag);
    });
  }

  /**
   * Says that no one has the volume open, and how many objects it has, where that is known: the next writer need not wait then.
   * Never rejects: where the store does not take it in time, that writer waits, and nothing else is the matter.
   */
  async giveBack(objectCount: number | null): Promise<void> {
    const given = this.#alone(async () => {
      this.#fence.check();
      if (this.#isDoubtful) await this.#verify();
      await this.#replace({ ...this.#root, holder: null, objectCount }, this.#etag);
    });
    await atMost(this.#clock, GIVE_BACK_MS_MAX, given).catch(() => {});
  }

  /**
   * Resolves if the volume is ours still and its root is what we believe: so what the store acknowledged before this call it
   * took before any other writer came. Otherwise throws, `FENCED` if another writer has the volume.
   *
   * Calls at the same time share a request; each gets the answer to one that began after it. Where it is time to say that we
   * are here, it is a compare-and-swap that does so.
   */
  readonly verify = coalesce(() => this.#alone(() => this.#verify()));

  async #verify(): Promise<void> {
    this.#fence.check();
    if (!this.#isDoubtful && this.#clock.now() >= this.#renewAtMs) return this.#replace(this.#root, this.#etag);
    const report = this.#beginLook();
    const found = await readRoot(this.#store, this.#keys);
    this.#checkOwner(found.root);
    // A failed change of ours may be what is there, or may come yet. Writing once more what holds settles both: the late one
    // was meant for a version that is then gone.
    if (this.#isDoubtful || found.root.changeId !== this.#root.changeId) {
      return this.#replace(this.#root, found.version.etag);
    }
    report();
  }

  async #replace(wanted: Root, etag: string): Promise<void> {
    const report = this.#beginLook();
    const { holder } = wanted;
    const renewed = holder === null ? null : { ...holder, renewed: timeStamp(this.#clock) };
    const next = { ...wanted, holder: renewed, changeId: newId() };
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
    this.#took(next, result.etag);
    this.#isDoubtful = false;
    report();
  }

  /** Gives what is to be called when the answer is that the volume is ours. */
  #beginLook(): () => void {
    const look = ++this.#looksBegun;
    const steadyMs = this.#clock.now();
    const wallMs = this.#clock.wallMs?.();
    return () => {
      this.#seen = { look, steadyMs, wallMs, answeredMs: this.#store.dates.watched?.answeredMs };
    };
  }

  #took(root: Root, etag: string): void {
    this.#root = root;
    this.#etag = etag;
    this.#renewAtMs = this.#clock.now() + (root.holder?.renewMs ?? Number.POSITIVE_INFINITY);
  }

  /** `change`, when every earlier one is over: none of ours may make another one fail. */
  #alone(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    return done;
  }

  #checkOwner({ volumeId, writerEpoch, opening, holder }: Root): void {
    if (volumeId !== this.#root.volumeId) this.#fence.raise(`${this.#url} is the root of another volume now`);
    const by = holder === null ? 'a process that has ended since' : describeHolder(holder);
    if (writerEpoch !== this.#root.writerEpoch) {
      this.#fence.raise(`${this.#url} is at epoch ${writerEpoch}, ours was ${this.#root.writerEpoch}`, by);
    }
    // The root may have been put back to an earlier version, and the volume been opened from there.
    if (opening !== this.#root.opening) {
      this.#fence.raise(`${this.#url} is at epoch ${writerEpoch} as ours, but of another opening`, by);
    }
  }

  get #url(): string {
    return this.#store.urlOf(this.#keys.root);
  }
}
