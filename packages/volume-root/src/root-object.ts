import { isDeepStrictEqual } from 'node:util';
import { BlockError, checkIntegerBetween } from '@blockyard/block';
import { coalesce } from '@blockyard/block/async';
import { newId } from '@blockyard/object-store';
import type { Fence } from './fence.js';
import { describeHolder, type Holder, RENEW_MS_MAX } from './holder.js';
import {
  type FoundRoot,
  MAX_CHANGE_ATTEMPTS,
  type OwnedRoot,
  putRoot,
  type RootChange,
  type RootPlace,
  readEvenDeleted,
  readRoot,
} from './root-format.js';
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

/** What an open root needs. */
export interface RootParts<R extends OwnedRoot> extends RootPlace<R> {
  readonly fence: Fence;
  readonly clock: VolumeClock;
}

/**
 * The root object of an open volume, changed only by compare-and-swap on its ETag. It is where two writers meet: the one that
 * wrote the highest epoch has the volume.
 *
 * Where the layout can `merge`, others may change the root too, within the epoch of the writer. A root that they changed is
 * taken in, and a change of ours that came too late is made once more on top of theirs. What the root says of the ownership is
 * the writer's in any case.
 */
export class RootObject<R extends OwnedRoot> {
  readonly #place: RootPlace<R>;
  readonly #fence: Fence;
  readonly #clock: VolumeClock;
  #root: R;
  #etag: string;
  #isDoubtful = false;
  /** Undefined: as the holder has it. */
  #renewMs: number | undefined;
  #writtenAtMs = Number.POSITIVE_INFINITY;
  #renewAtMs = Number.POSITIVE_INFINITY;
  #seen: Sighting | undefined;
  #looksBegun = 0;
  /** Changes of the root, one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ store, key, format, fence, clock }: RootParts<R>, found: FoundRoot<R>) {
    this.#place = { store, key, format };
    this.#fence = fence;
    this.#clock = clock;
    this.#root = found.root;
    this.#etag = found.version.etag;
  }

  get root(): R {
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

  /**
   * Whether what the store has may be another root than {@link root}: a change of ours failed in a way that leaves open whether
   * the store carried it out, or still will; or one was found that is not as we had left it. The next look settles it.
   */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /**
   * Makes this process the writer: takes the next epoch, with what `change` makes of the root that has it. `LOCKED` if another writer changed the root
   * since it was read: two writers that start at once are better told than left to fence each other.
   */
  async takeOver(holder: Holder, change: RootChange<R> = same): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const report = this.#beginLook();
      const writerEpoch = this.#root.writerEpoch + 1;
      const next = change({ ...this.#root, writerEpoch, opening: newId(), holder, changeId: newId() });
      const result = await putRoot(this.#place, next, { etag: this.#etag });
      if (result.kind === 'failed') throw result.error;
      if (result.kind === 'stored') {
        this.#took(next, result.etag);
        report();
        return;
      }
      if (attempt === MAX_CHANGE_ATTEMPTS || !(await this.#wasChangedByOther())) {
        throw new BlockError('LOCKED', `another writer changed ${this.#url} at the same moment`);
      }
    }
  }

  /** The leases of all earlier writers have ended. The root says so with the next look. */
  settle(leaseMs: number): void {
    const { holder } = this.#root;
    if (holder === null || holder.settled) return;
    this.#root = { ...this.#root, holder: { ...holder, leaseMs, settled: true } };
    this.#renewAtMs = this.#clock.now();
  }

  /**
   * How often the root is to say that we are here, from 1 to {@link RENEW_MS_MAX}; `INVALID_ARGUMENT` otherwise. The root tells
   * it with its next change. Until then others go by what it tells now, so a longer time holds from that change on, a shorter
   * one at once.
   */
  setRenewMs(renewMs: number): void {
    checkIntegerBetween(renewMs, 'renewMs', 1, RENEW_MS_MAX);
    this.#renewMs = renewMs;
    this.#renewAtMs = Math.min(this.#renewAtMs, this.#writtenAtMs + renewMs);
  }

  /**
   * Stores what `change` makes of the root. On failure {@link root} is as before, but for what others have changed; and what
   * `merge` takes from the root that is found may have come to be as `change` had it.
   *
   * `FENCED` if another writer has the volume; `UNAVAILABLE` if the root changed meanwhile and the layout cannot `merge`, or
   * {@link MAX_CHANGE_ATTEMPTS} times; and what the store fails with.
   */
  change(change: RootChange<R>): Promise<void> {
    return this.#alone(async () => {
      if (this.#isDoubtful) await this.#verify();
      await this.#replace(change);
    });
  }

  /**
   * Says that no one has the volume open, and what `change` adds to that: the next writer need not wait then. Never rejects:
   * where the store does not take it in time, that writer waits, and nothing else is the matter.
   */
  async giveBack(change: RootChange<R> = same): Promise<void> {
    const given = this.#alone(async () => {
      this.#fence.check();
      if (this.#isDoubtful) await this.#verify();
      await this.#replace((root) => ({ ...change(root), holder: null }));
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
    if (!this.#isDoubtful && this.#clock.now() >= this.#renewAtMs) return this.#replace(same);
    const report = this.#beginLook();
    const found = await readEvenDeleted(this.#place);
    this.#checkOwner(found.root);
    if (this.#isDoubtful || found.root.changeId !== this.#root.changeId) this.#takeIn(found);
    // A failed change of ours may be what is there, or may come yet. Writing once more what holds settles both: the late one
    // was meant for a version that is then gone.
    if (this.#isDoubtful) return this.#replace(same);
    report();
  }

  async #replace(change: RootChange<R>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const report = this.#beginLook();
      const next = this.#changed(change);
      const result = await putRoot(this.#place, next, { etag: this.#etag });
      if (result.kind === 'failed') {
        this.#isDoubtful ||= result.late;
        throw result.error;
      }
      if (result.kind === 'stored') {
        this.#took(next, result.etag);
        this.#isDoubtful = false;
        report();
        return;
      }
      const found = await readEvenDeleted(this.#place);
      this.#checkOwner(found.root);
      this.#takeIn(found);
      if (this.#place.format.merge === undefined || attempt === MAX_CHANGE_ATTEMPTS) {
        throw new BlockError('UNAVAILABLE', `${this.#url} changed meanwhile; try again`);
      }
    }
  }

  /** The root to write: what `change` makes of the one that holds, as of now, and still ours. */
  #changed(change: RootChange<R>): R {
    const { volumeId, writerEpoch, opening } = this.#root;
    const wanted = change(this.#root);
    const { holder } = wanted;
    const renewed = holder === null ? null : { ...holder, ...this.#renewal(holder) };
    return { ...wanted, volumeId, writerEpoch, opening, holder: renewed, changeId: newId() };
  }

  #renewal(holder: Holder): Pick<Holder, 'renewed' | 'renewMs'> {
    return { renewed: timeStamp(this.#clock), renewMs: this.#renewMs ?? holder.renewMs };
  }

  /**
   * From now on the root that holds is ours, with what others have changed in the one that was found. If that makes the very
   * root that was found, nothing needs to be written. Otherwise that one is not as we had left it: a late change of ours came
   * in between, or someone put an earlier root back; so it is not to stay.
   */
  #takeIn({ root: found, version }: FoundRoot<R>): void {
    const { format } = this.#place;
    const mine = this.#root;
    const { volumeId, writerEpoch, opening, holder } = mine;
    const merged = format.merge?.(mine, found) ?? mine;
    this.#root = { ...merged, volumeId, writerEpoch, opening, holder, changeId: found.changeId };
    this.#etag = version.etag;
    if (format.merge !== undefined && isSame(format.encode(this.#root), format.encode(found))) return;
    this.#isDoubtful = true;
  }

  /** Whether the root that is there now differs by what others change alone, and takes it in then. For before the takeover. */
  async #wasChangedByOther(): Promise<boolean> {
    if (this.#place.format.merge === undefined) return false;
    const { root, version } = await readRoot(this.#place);
    if (!isDeepStrictEqual(ownershipOf(root), ownershipOf(this.#root))) return false;
    this.#root = root;
    this.#etag = version.etag;
    return true;
  }

  /** Gives what is to be called when the answer is that the volume is ours. */
  #beginLook(): () => void {
    const look = ++this.#looksBegun;
    const steadyMs = this.#clock.now();
    const wallMs = this.#clock.wallMs?.();
    return () => {
      this.#seen = { look, steadyMs, wallMs, answeredMs: this.#place.store.dates.watched?.answeredMs };
    };
  }

  #took(root: R, etag: string): void {
    this.#root = root;
    this.#etag = etag;
    this.#writtenAtMs = this.#clock.now();
    this.#renewAtMs = this.#writtenAtMs + (root.holder?.renewMs ?? Number.POSITIVE_INFINITY);
  }

  /** `change`, when every earlier one is over: none of ours may make another one fail. */
  #alone(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    return done;
  }

  #checkOwner({ volumeId, writerEpoch, opening, holder, isDeleted }: R): void {
    if (volumeId !== this.#root.volumeId) this.#fence.raise(`${this.#url} is the root of another volume now`);
    const ended = isDeleted === true ? 'to delete it' : 'a process that has ended since';
    const by = holder === null ? ended : describeHolder(holder);
    if (writerEpoch !== this.#root.writerEpoch) {
      this.#fence.raise(`${this.#url} is at epoch ${writerEpoch}, ours was ${this.#root.writerEpoch}`, by);
    }
    // The root may have been put back to an earlier version, and the volume been opened from there.
    if (opening !== this.#root.opening) {
      this.#fence.raise(`${this.#url} is at epoch ${writerEpoch} as ours, but of another opening`, by);
    }
  }

  get #url(): string {
    return this.#place.store.urlOf(this.#place.key);
  }
}

function same<T>(value: T): T {
  return value;
}

/** What a process that does not own the volume leaves as it is. */
function ownershipOf({ volumeId, writerEpoch, opening, holder }: OwnedRoot): Omit<OwnedRoot, 'changeId'> {
  return { volumeId, writerEpoch, opening, holder };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
