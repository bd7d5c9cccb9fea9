import type { StoreDates } from '@blockyard/object-store';
import type { Fence, RootObject, VolumeClock } from '@blockyard/volume-root';
import type { Root } from './root.js';

/** Looks in the time of one lease, so that there is a fresh one before the last has run out. */
const LOOKS_PER_LEASE = 3;
/** Between two looks of a busy writer without a lease: it looks after each change anyway. */
const LOOK_INTERVAL_MS = 1000;
/**
 * A flush that comes after so few changes is expected to come again: a look begins with each of them, so that it has not to
 * wait.
 */
const CHANGES_BEFORE_FLUSH_MAX = 16;

interface LeaseParts {
  readonly root: Pick<RootObject<Root>, 'verify' | 'seen' | 'looksBegun' | 'isDoubtful'>;
  readonly fence: Fence;
  readonly clock: VolumeClock;
  readonly dates: Pick<StoreDates, 'latestMs'>;
}

const always = () => true;

/**
 * Says which changes may be acknowledged, so that a writer that was replaced stops, and has not claimed what its successor does
 * not see.
 *
 * A change may be acknowledged once the store has answered all its requests and one of these holds:
 *
 * 1. A look at the root that found the volume ours was begun after those answers.
 * 2. Such a look was begun less than `leaseMs` before, by every clock there is.
 *
 * Why that is enough. A successor takes the volume by compare-and-swap on the root, at a moment C. Then it waits for twice the
 * lease, until W, and only then lists the objects and resolves. Every look that found the volume ours was answered by the store
 * before C, so it was begun before C. By the first rule all requests of the change were answered before C, by the second before
 * C and one lease, in either case before W: the successor's listing has what they stored. And no change that begins after W is
 * acknowledged: its requests are answered after W, and no look that is begun after W, or less than a lease before it, finds the
 * volume ours.
 *
 * Nothing in that is about when the caller is told: a process that is frozen after it found that it may acknowledge, and does
 * so a day later, acknowledges what its successor sees.
 *
 * Clocks. The first rule needs none. The second one needs that one of these goes on: the steady clock, the wall clock, or the
 * clocks of the store in the `Date` of its answers. A process that is stopped has the first two; a virtual machine that is
 * stopped with its clocks has the third, since the answer to what it sent afterwards has a later date than its last look. The
 * store's clocks must agree to some seconds, and the successor's clock must not run at twice the speed of time.
 *
 * A flush claims the same, and in addition wants a look that was begun beside the last change or after it. Where a root is put
 * back to an earlier version, a successor may see no one to wait for; then that look is what tells.
 *
 * To have a fresh look at hand costs one GET for a third of a lease while there are changes, and one for each flush, beside
 * them. After a pause the first change waits for the look that begins with it.
 */
export class Lease {
  readonly #parts: LeaseParts;
  readonly #leaseMs: number;
  readonly #intervalMs: number;
  readonly #idleMs: number;
  #beside: Promise<void> | undefined;
  /** When the last look beside was begun. */
  #besideMs = Number.NEGATIVE_INFINITY;
  /** Changes under way. */
  #changes = 0;
  /** Looks begun when the last change began. */
  #looksBefore = 0;
  #changesSinceFlush = 0;
  #expectsFlush = false;
  #timer: unknown;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(parts: LeaseParts, { leaseMs, renewMs }: { readonly leaseMs: number; readonly renewMs: number }) {
    this.#parts = parts;
    this.#leaseMs = leaseMs;
    this.#intervalMs = leaseMs === 0 ? LOOK_INTERVAL_MS : leaseMs / LOOKS_PER_LEASE;
    this.#idleMs = renewMs;
  }

  /** From now on the root is looked at from time to time: more often while there are changes. */
  start(): void {
    if (!this.#isFresh()) this.#lookBeside(always);
    this.#wakeIn(this.#idleMs);
  }

  /** Ends the looks. */
  stop(): void {
    this.#parts.clock.clear(this.#timer);
    this.#timer = undefined;
    this.#dueMs = Number.NEGATIVE_INFINITY;
  }

  /** A change begins. What it, or a flush that may follow, needs at its end is fetched beside it. */
  begin(): void {
    this.#changes++;
    this.#changesSinceFlush++;
    this.#looksBefore = this.#parts.root.looksBegun;
    const nowMs = this.#parts.clock.now();
    const expectsFlush = this.#expectsFlush && this.#changesSinceFlush <= CHANGES_BEFORE_FLUSH_MAX;
    const isOld = nowMs - this.#lastLookMs >= this.#intervalMs;
    if (this.#leaseMs > 0 && (isOld || expectsFlush)) this.#lookBeside(() => this.#changes > 0);
    if (this.#dueMs > nowMs + this.#intervalMs) this.#wakeIn(this.#intervalMs);
  }

  /** A change has ended, successfully or not. */
  end(): void {
    this.#changes--;
  }

  /**
   * Called when all that a change asked of the store is answered: resolves when it may be acknowledged. Rejects with `FENCED`
   * if the volume has another writer, and with what a look failed with.
   */
  confirm(): Promise<void> {
    return this.#confirm(0);
  }

  /** The same for a flush of all changes that have ended. */
  async confirmFlush(): Promise<void> {
    this.#expectsFlush = this.#changesSinceFlush <= CHANGES_BEFORE_FLUSH_MAX;
    this.#changesSinceFlush = 0;
    await this.#confirm(this.#looksBefore + 1);
  }

  /** With the look of that number, or a later one. */
  async #confirm(look: number): Promise<void> {
    const { fence, root } = this.#parts;
    fence.check();
    if (this.#isFresh(look)) return;
    if (this.#beside !== undefined) {
      await this.#beside;
      fence.check();
      if (this.#isFresh(look)) return;
    }
    await root.verify();
  }

  #isFresh(look = 0): boolean {
    const { root, clock, dates } = this.#parts;
    const { seen } = root;
    // Whether a change of the root was carried out is found out before anything else is claimed.
    if (seen === undefined || seen.look < look || root.isDoubtful) return false;
    const spans = [
      [seen.steadyMs, clock.now()],
      [seen.wallMs, clock.wallMs?.()],
      [seen.answeredMs, dates.latestMs],
    ] as const;
    return spans.every(([from, to]) => from === undefined || to === undefined || to - from < this.#leaseMs);
  }

  get #lastLookMs(): number {
    return Math.max(this.#besideMs, this.#parts.root.seen?.steadyMs ?? Number.NEGATIVE_INFINITY);
  }

  /**
   * For those that come to need it; what it fails with is told to those that look afterwards. It begins in a macrotask, so that
   * it serves all that ask before, and so that a change that needed nothing of the store needs no look either.
   */
  #lookBeside(isWanted: () => boolean): void {
    this.#beside ??= this.#lookInMacrotask(isWanted).finally(() => {
      this.#beside = undefined;
    });
  }

  async #lookInMacrotask(isWanted: () => boolean): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!isWanted()) return;
    this.#besideMs = this.#parts.clock.now();
    await this.#parts.root.verify().catch(() => {});
  }

  #wakeIn(delayMs: number): void {
    const { clock } = this.#parts;
    clock.clear(this.#timer);
    this.#dueMs = clock.now() + delayMs;
    this.#timer = clock.set(() => this.#wake(), delayMs);
    clock.unref?.(this.#timer);
  }

  #wake(): void {
    if (this.#parts.fence.isRaised) return;
    this.#lookBeside(always);
    this.#wakeIn(this.#changes > 0 ? this.#intervalMs : this.#idleMs);
  }
}
