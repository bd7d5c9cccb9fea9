import type { Clock } from '@blockyard/block';
import { coalesce, SerialQueue } from '@blockyard/block/async';
import type { Checkpointer, CheckpointOptions } from '../checkpoint/checkpointer.js';
import type { CheckpointPlace, LogRoot } from '../format/root.js';
import type { VolumeState } from '../state/volume-state.js';
import type { Cleaner } from './cleaner.js';
import type { Deleter } from './deleter.js';

/** A checkpoint is made at the latest after so much of the log. It bounds what an opening has to replay. */
const SEGMENTS_MAX = 512;
const LOG_BYTES_MAX = 4 * 2 ** 30;
/** An end that is to be short leaves so many segments to the next opening, which replays them. */
const LEFT_SEGMENTS_MAX = 64;
/** Where checkpoints fail, writers wait from so many times that on. It bounds what the next opening has to replay. */
const CHECKPOINTS_BEHIND_MAX = 4;

/**
 * Share of the slots in use below which a busy volume is cleaned. At uniform random overwriting 0.45 costs 1.17 bytes written
 * for each byte, 0.5 costs 1.25, 0.7 costs 1.85.
 */
const BUSY_SHARE_MIN = 0.45;
/** The same of an idle volume: what it stores is at most 1.25 times what is in use. */
const IDLE_SHARE_MIN = 0.8;
/** Packs that an idle volume writes together: their sectors are in memory at once. */
const IDLE_PACKS_MAX = 4;
/** Packs that are written in a row, before other work is looked for. */
const STEPS_MAX = 8;

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 300_000;

export interface MaintenanceParts {
  readonly checkpointer: Checkpointer;
  readonly cleaner: Cleaner;
  readonly deleter: Deleter;
  readonly deleteOrphans: () => Promise<unknown>;
  readonly state: VolumeState;
  readonly clock: Clock & { unref?(timer: unknown): void };
  readonly maxMapBytes: number;
  /** Slots of a full segment: a busy volume is cleaned only where that gains so many. */
  readonly maxSlots: number;
  /** A volume that was not changed for so long is idle. */
  readonly idleMs: number;
  readonly onError: (error: unknown) => void;
}

/** What a checkpoint changes of the root beside what it has to. */
type RootAtCheckpoint = (root: LogRoot, place: CheckpointPlace) => LogRoot;

/** What goes on behind the volume's operations: checkpoints, cleaning, deleting. One thing at a time, and nothing when idle. */
export class Maintenance {
  readonly #parts: MaintenanceParts;
  readonly #serial = new SerialQueue<'maintenance'>();
  /** Since the last checkpoint. */
  #segments = 0;
  #logBytes = 0;
  #packs = 0;
  #checkpointMs: number;
  #isIdle = false;
  #isWorking = false;
  #isWanted = false;
  #retryMs = RETRY_MS_MIN;
  #isFailing = false;
  #changedMs: number;
  readonly #timers = new Map<string, unknown>();
  #isHeld = false;
  #isStopped = false;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
    this.#changedMs = parts.clock.now();
    this.#checkpointMs = this.#changedMs;
  }

  /** Segments that the last checkpoint does not have. */
  get segmentsBehind(): number {
    return this.#segments;
  }

  /** Whether there is anything that the last checkpoint does not have: segments, or packs, which nothing else tells of. */
  get isBehind(): boolean {
    return this.#segments + this.#packs > 0;
  }

  /** Whether it is held, and what it is behind is little enough to be replayed. */
  get mayLeave(): boolean {
    return this.#isHeld && this.#packs === 0 && this.#segments <= LEFT_SEGMENTS_MAX;
  }

  /** Milliseconds since the last checkpoint of this opening, or since it was opened. */
  get checkpointAgeMs(): number {
    return this.#parts.clock.now() - this.#checkpointMs;
  }

  /** After the volume was opened, with so many segments behind its checkpoint. */
  start(segmentsBehind: number): void {
    this.#segments = segmentsBehind;
    this.#parts.deleter.schedule();
    this.changed();
    this.#kick();
  }

  /** The volume is being changed: it is not idle. */
  changed(): void {
    this.#changedMs = this.#parts.clock.now();
    if (this.#timers.has('idle')) return;
    this.#isIdle = false;
    this.#setIdleTimer();
  }

  /** A segment's changes are in the map. */
  applied(sizeBytes: number): void {
    this.#segments++;
    this.#logBytes += sizeBytes;
    if (this.#isCheckpointDue || this.#isCleaningDue) this.#kick();
  }

  /** Whether only a checkpoint makes room for more: the map holds as much as it may, or too much of the log is behind. */
  get isFull(): boolean {
    const { state, maxMapBytes } = this.#parts;
    if (this.#segments >= CHECKPOINTS_BEHIND_MAX * SEGMENTS_MAX) return true;
    return this.#logBytes >= CHECKPOINTS_BEHIND_MAX * LOG_BYTES_MAX || state.map.changedBytes > maxMapBytes;
  }

  /** Resolves when there is room, and fails as the checkpoint does that was to make it. Calls at the same time share one. */
  readonly makeRoom = coalesce(async () => {
    if (this.isFull) await this.checkpoint();
  });

  /** Makes a checkpoint now, with what `change` adds to the root. */
  checkpoint(change?: RootAtCheckpoint, options?: CheckpointOptions): Promise<CheckpointPlace> {
    return this.#serial.run('maintenance', () => this.#checkpoint(change, options));
  }

  /** Cleans until the objects are as full as those of an idle volume, and deletes what is no longer needed, and orphans. */
  compact(): Promise<void> {
    return this.#serial.run('maintenance', async () => {
      while (await this.#clean(IDLE_SHARE_MIN, STEPS_MAX)) if (this.#isCheckpointDue) await this.#checkpoint();
      if (this.#hasUnstored) await this.#checkpoint();
      await this.#parts.deleter.look();
      await this.#parts.deleter.run();
      await this.#parts.deleteOrphans();
    });
  }

  /** From now on nothing begins that no one waits for. Resolves when what is under way has ended, and a checkpoint is made. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    await this.ended();
    if (this.#isHeld && this.isBehind && !this.mayLeave) await this.checkpoint(undefined, { isThorough: false });
  }

  /** Goes on. */
  release(): void {
    this.#isHeld = false;
    this.#kick();
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) this.#parts.clock.clear(timer);
    this.#timers.clear();
  }

  /** Resolves when what is under way has ended, whatever comes of it. */
  async ended(): Promise<void> {
    await this.#serial.run('maintenance', () => {});
  }

  get #isCheckpointDue(): boolean {
    const { state, maxMapBytes } = this.#parts;
    if (this.#segments + this.#packs >= SEGMENTS_MAX || this.#logBytes >= LOG_BYTES_MAX) return true;
    return state.map.changedBytes > maxMapBytes / 2;
  }

  get #isCleaningDue(): boolean {
    return this.#parts.state.objects.aliveShare < (this.#isIdle ? IDLE_SHARE_MIN : BUSY_SHARE_MIN);
  }

  /** Whether there are objects that go with the next checkpoint. */
  get #hasUnstored(): boolean {
    for (const { base, live, dead } of this.#parts.state.objects)
      if (base === 0 && live === 0 && dead === 0) return true;
    return this.#packs > 0;
  }

  /** Share of the slots of all objects, those that wait for a checkpoint or to be deleted included. */
  get #isSpaceWasted(): boolean {
    const { live, slots } = this.#parts.state.objects;
    return this.#hasUnstored && live < IDLE_SHARE_MIN * slots;
  }

  #kick(): void {
    this.#isWanted = true;
    if (this.#isWorking || this.#isStopped || this.#isHeld || this.#isFailing) return;
    this.#isWorking = true;
    void this.#serial.run('maintenance', () => this.#work());
  }

  async #work(): Promise<void> {
    try {
      while (this.#isWanted && !this.#isStopped && !this.#isHeld) {
        this.#isWanted = false;
        await this.#workOnce();
      }
      this.#retryMs = RETRY_MS_MIN;
      this.#setDeleteTimer();
    } catch (error) {
      if (!this.#isStopped) this.#failed(error);
    } finally {
      this.#isWorking = false;
    }
  }

  async #workOnce(): Promise<void> {
    const { deleter } = this.#parts;
    if (this.#isCheckpointDue) await this.#checkpoint();
    else deleter.schedule();
    await deleter.run();
    const mayGoOn = () => !this.#isStopped && !this.#isHeld;
    if (await this.#clean(this.#isIdle ? IDLE_SHARE_MIN : BUSY_SHARE_MIN, STEPS_MAX, mayGoOn)) this.#isWanted = true;
    else if (this.#isIdle && this.#isSpaceWasted) await this.#checkpoint();
  }

  /** Returns whether there is more to clean. */
  async #clean(minShare: number, maxSteps: number, mayGoOn = () => !this.#isStopped): Promise<boolean> {
    const { cleaner, state, maxSlots } = this.#parts;
    const isBusy = minShare === BUSY_SHARE_MIN;
    const minGain = isBusy ? maxSlots : 1;
    const maxPacks = isBusy ? 1 : IDLE_PACKS_MAX;
    for (let steps = 0; state.objects.aliveShare < minShare && mayGoOn(); steps++) {
      if (steps === maxSteps) return true;
      // Also where it fails: some of it may have been done, which the next checkpoint is to have.
      this.#packs += maxPacks;
      if ((await cleaner.step(minGain, maxPacks)) > 0) continue;
      this.#packs -= maxPacks;
      return false;
    }
    return false;
  }

  async #checkpoint(change?: RootAtCheckpoint, options?: CheckpointOptions): Promise<CheckpointPlace> {
    const { checkpointer, deleter, clock } = this.#parts;
    const [segments, logBytes, packs] = [this.#segments, this.#logBytes, this.#packs];
    const place = await checkpointer.run(change, options);
    this.#segments -= segments;
    this.#logBytes -= logBytes;
    this.#packs -= packs;
    this.#checkpointMs = clock.now();
    deleter.schedule();
    this.#setDeleteTimer();
    return place;
  }

  #setIdleTimer(): void {
    const { clock, idleMs } = this.#parts;
    const delayMs = Math.max(1, this.#changedMs + idleMs - clock.now());
    this.#set('idle', delayMs, () => {
      if (clock.now() - this.#changedMs < idleMs) return this.#setIdleTimer();
      this.#isIdle = true;
      this.#kick();
    });
  }

  #setDeleteTimer(): void {
    const { clock, deleter } = this.#parts;
    const { dueMs } = deleter;
    if (dueMs !== undefined) this.#set('delete', Math.max(1, dueMs - clock.now()), () => this.#kick());
  }

  /** Everything is as before, so it is tried again, with growing pauses. */
  #failed(error: unknown): void {
    this.#parts.onError(error);
    this.#isFailing = true;
    this.#set('retry', this.#retryMs, () => {
      this.#isFailing = false;
      this.#kick();
    });
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
  }

  #set(name: string, delayMs: number, run: () => void): void {
    const { clock } = this.#parts;
    if (this.#isStopped) return;
    if (this.#timers.has(name)) clock.clear(this.#timers.get(name));
    const timer = clock.set(() => {
      this.#timers.delete(name);
      run();
    }, delayMs);
    this.#timers.set(name, timer);
    clock.unref?.(timer);
  }
}
