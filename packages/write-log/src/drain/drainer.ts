import type { Clock, LostSignal } from '@blockyard/block';
import { Retry } from '@blockyard/block/async';
import type { Backlog } from '../changes/backlog.js';
import type { Committer } from '../log/committer.js';
import type { Log } from '../log/log.js';
import type { BaseWriter } from './base-writer.js';
import { BATCH_BYTES_MAX, type Batch, batchOfRecords, countOpenBatch } from './batch.js';

/** Draining begins when so much of the ring, or of memory, is taken, and ends at a little less. */
const SHARES = { high: 0.5, low: 0.45 };
/** The same while it is held. */
const HELD_SHARES = { high: 0.9, low: 0.85 };
/** A batch while it is held, so that its end is never far. */
const HELD_BATCH_BYTES_MAX = 1 << 20;
const MIN_RETRY_DELAY_MS = 1000;
const MAX_RETRY_DELAY_MS = 60_000;

/** Where what is accepted goes, and whether that changes. */
export interface Phases {
  /** `logging`: to the log. `leaving`: nowhere, until what the log has is drained. `through`: to the base alone. */
  readonly phase: 'logging' | 'leaving' | 'through';
  /** Whether it is time to use the medium again. */
  readonly isDue: boolean;
  /** All that was durable in the log is drained. From now on what it has must not count. */
  leave(): Promise<void>;
  /** Uses the medium again if it is time to, and it works. Nothing that was never logged may be on its way to the base. */
  tryAgain(): Promise<void>;
  /** A superblock could not be written. */
  mediumFailed(error: unknown): void;
}

interface Failure {
  readonly error: unknown;
}

export interface DrainerOptions {
  readonly clock: Clock;
  readonly sectorSize: number;
  /** The base has failed: told once until it has not. */
  readonly onError: (error: unknown) => void;
  /** A batch was drained. */
  readonly onDrained: () => void;
  /** The base's: once it says so, it makes no sense to try again. */
  readonly lost: LostSignal | undefined;
}

/** Brings what the base does not have to it, batch by batch, in order. */
export class Drainer {
  /** Batches that were drained. */
  drains = 0;
  readonly #backlog: Backlog;
  readonly #log: Log;
  readonly #committer: Committer;
  readonly #writer: BaseWriter;
  readonly #phases: Phases;
  readonly #options: DrainerOptions;
  readonly #retry: Retry;
  /** What was begun and is not over. */
  #batch: Batch | undefined;
  /** Everything up to here is to be drained, although no one waits for it. */
  #goal = 0;
  #isOverfull = false;
  #isHeld = false;
  #isResting = false;
  /** Whether someone waits until something is drained, whatever it is. */
  #isRoomWanted = false;
  /** The batch that is under way. Never rejects. */
  #stepping: Promise<void> = Promise.resolve();
  /** Those who wait until all is drained. */
  readonly #waiters = new Set<Promise<void>>();
  /** What is being drained; with why it failed, if it did. */
  #running: Promise<Failure | undefined> | undefined;
  #ended: Failure | undefined;

  constructor(
    parts: {
      readonly backlog: Backlog;
      readonly log: Log;
      readonly committer: Committer;
      readonly writer: BaseWriter;
      readonly phases: Phases;
    },
    options: DrainerOptions,
    /** What the base may have a part of already. */
    batch: Batch | undefined,
  ) {
    this.#backlog = parts.backlog;
    this.#log = parts.log;
    this.#committer = parts.committer;
    this.#writer = parts.writer;
    this.#phases = parts.phases;
    this.#options = options;
    this.#batch = batch;
    this.#retry = new Retry(options.clock, MIN_RETRY_DELAY_MS, MAX_RETRY_DELAY_MS, () => this.wake());
  }

  /** Why nothing is drained, until something is. */
  get error(): unknown {
    return this.#retry.error;
  }

  /** Resolves when all changes up to this one are durable on the base. Rejects if the base fails before. */
  drained(target: number): Promise<void> {
    const reached = this.#backlog.drained.wait(target);
    this.#begin();
    return reached;
  }

  /** All changes up to this one are to be drained, when the base can. */
  aim(target: number): void {
    this.#goal = Math.max(this.#goal, target);
    this.wake();
  }

  /** Ring or memory have no room for what is there to be taken. */
  makeRoom(): void {
    this.#isRoomWanted = true;
    this.aim(this.#backlog.accepted);
  }

  /** From now on it drains only for those who wait for it, or to make room, and in small steps. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Resolves when the batch that is under way is over, whatever came of it. */
  stepOver(): Promise<void> {
    return this.#stepping;
  }

  /** Resolves when at most so much of the ring is taken. Rejects if the base fails. */
  async drainedTo(takenBytes: number): Promise<void> {
    // What comes meanwhile takes up a part of what becomes free.
    for (let last = this.#log.lastBefore(takenBytes); last !== undefined; last = this.#log.lastBefore(takenBytes)) {
      await this.drained(last);
    }
  }

  /** There is room now. From now on it drains only for those who wait for it, or who find no room. */
  roomMade(): void {
    this.#isResting = true;
    this.#isRoomWanted = false;
    this.#committer.wake();
    this.#backlog.freed.notify();
  }

  /** Drains as ever. */
  release(): void {
    this.#isHeld = false;
    this.#isResting = false;
    this.wake();
  }

  /** From now on it drains for those who wait for it alone. Resolves when no one does, and nothing is being drained. */
  async rest(): Promise<void> {
    this.#isHeld = true;
    this.#isResting = true;
    while (this.#running !== undefined || this.#waiters.size > 0) {
      await this.#running;
      await Promise.allSettled(this.#waiters);
    }
  }

  /** Something has changed that may be a reason to drain. */
  wake(): void {
    if (!this.#retry.isWaiting) this.#begin();
  }

  /** A place in the ring can be freed that could not when it was drained. Whatever goes on may wait for it. */
  freed(): void {
    if (this.#ended === undefined && this.#phases.phase === 'logging' && this.#log.isNoteDue) void this.#note();
  }

  /** Resolves when everything is drained that was accepted before, and the medium says so, or does not count. */
  drainAll(): Promise<void> {
    const drained = this.#drainAll();
    this.#waiters.add(drained);
    const over = () => void this.#waiters.delete(drained);
    drained.then(over, over);
    return drained;
  }

  async #drainAll(): Promise<void> {
    await this.drained(this.#backlog.accepted);
    // What comes meanwhile may be drained without a pause: it is not waited for.
    const drained = this.#log.drainedThrough;
    while (this.#phases.phase === 'logging' && this.#log.isUntidyThrough(drained)) {
      await this.#log.readsOver();
      await this.#note();
      if (this.#ended !== undefined) throw this.#ended.error;
    }
    await this.#left();
  }

  /** Resolves when the medium does not count any longer, if it is being given up. */
  async #left(): Promise<void> {
    while (this.#phases.phase === 'leaving') {
      if (this.#ended !== undefined) throw this.#ended.error;
      if (this.#isLost) throw this.#options.lost?.reason;
      this.#begin();
      // One that began before may end without having tried.
      const failure = await this.#running;
      if (failure !== undefined) throw failure.error;
    }
  }

  /** Begins nothing more, and lets go of those who wait. */
  end(error: unknown): void {
    this.#ended = { error };
    this.#retry.end();
    this.#backlog.drained.end(error);
  }

  #begin(): void {
    if (this.#running !== undefined || this.#ended !== undefined) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      // Something may have come since the last look.
      if (this.#isAwaited) this.#begin();
      else if (this.#isWanted) this.wake();
    });
  }

  /** Never rejects. */
  async #run(): Promise<Failure | undefined> {
    try {
      while (this.#ended === undefined && this.#isWanted) {
        const step = this.#step();
        this.#stepping = step.catch(() => {});
        await step;
        this.#retry.succeeded();
      }
      if (this.#ended === undefined && this.#phases.phase === 'logging' && this.#log.isNoteDue) await this.#note();
      return undefined;
    } catch (error) {
      this.#failed(error);
      return { error };
    }
  }

  #failed(error: unknown): void {
    if (this.#ended !== undefined) return;
    const isFirst = this.#retry.error === undefined;
    if (!this.#isLost) this.#retry.failed(error);
    if (isFirst) this.#options.onError(error);
    this.#backlog.drained.fail(error);
  }

  get #isLost(): boolean {
    return this.#options.lost?.aborted === true;
  }

  /** Whether someone waits for something to be drained. */
  get #isAwaited(): boolean {
    const { drained } = this.#backlog;
    return drained.wanted > drained.value;
  }

  get #isWanted(): boolean {
    const { drained, isEmpty } = this.#backlog;
    if (this.#isAwaited) return true;
    if (this.#isLost) return false;
    if (this.#phases.phase === 'logging' && this.#isHeld) {
      return !isEmpty && (this.#isRoomWanted || (!this.#isResting && this.#isFull));
    }
    return (
      this.#phases.phase === 'leaving' ||
      this.#phases.isDue ||
      this.#batch !== undefined ||
      (!isEmpty && (this.#goal > drained.value || this.#isFull))
    );
  }

  /** Whether it is time to make room. Once it is, it is for a while. */
  get #isFull(): boolean {
    const isLogging = this.#phases.phase === 'logging';
    const share = isLogging ? Math.max(this.#log.usedShare, this.#backlog.overheadShare) : this.#backlog.memoryShare;
    const { high, low } = this.#isHeld ? HELD_SHARES : SHARES;
    this.#isOverfull = share >= (this.#isOverfull ? low : high);
    return this.#isOverfull;
  }

  async #step(): Promise<void> {
    if (this.#batch === undefined) await this.#phases.tryAgain();
    this.#batch ??= await this.#nextBatch();
    const batch = this.#batch;
    if (batch === undefined) return;
    await this.#writer.write(batch);
    this.#batch = undefined;
    this.#log.drained(batch.records);
    this.#backlog.settle(batch.changes, batch.records.length);
    this.#isRoomWanted = false;
    this.drains++;
    this.#options.onDrained();
  }

  /** Undefined: look again. */
  async #nextBatch(): Promise<Batch | undefined> {
    const backlog = this.#backlog;
    const { phase } = this.#phases;
    if (phase === 'through') {
      const changes = backlog.take(countOpenBatch(backlog.open));
      return changes.length === 0 ? undefined : { changes, records: [], done: 0 };
    }
    const durable = backlog.records.slice(0, backlog.durableRecords);
    if (durable.length > 0) {
      const maxBytes = this.#isHeld ? HELD_BATCH_BYTES_MAX : BATCH_BYTES_MAX;
      const batch = batchOfRecords(durable, this.#options.sectorSize, maxBytes);
      this.#log.draining(batch.records.at(-1));
      // What the base is about to get must be known before it gets it.
      if (phase === 'logging' && !(await this.#note())) return undefined;
      return batch;
    }
    if (phase === 'leaving') await this.#phases.leave();
    else if (this.#log.isNoteDue) await this.#note();
    // The medium may have become usable meanwhile, with nothing left to bring: there is no next change to wait for.
    else if (!backlog.isEmpty) await this.#logged(backlog.drained.value + 1);
    return undefined;
  }

  /** Only what is durable on the medium may go to the base. Resolves also if the medium fails. */
  async #logged(target: number): Promise<void> {
    try {
      await this.#committer.durable(target);
    } catch (error) {
      if (this.#phases.phase === 'logging') throw error;
    }
  }

  /** Whether it was noted on the medium what is drained, and what is about to be. */
  async #note(): Promise<boolean> {
    try {
      await this.#log.note();
    } catch (error) {
      this.#phases.mediumFailed(error);
      return false;
    }
    this.#committer.wake();
    return true;
  }
}
