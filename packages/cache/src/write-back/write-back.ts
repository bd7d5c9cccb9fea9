import type { BlockError } from '@blockyard/block';
import { Retry } from '@blockyard/block/async';
import type { Admission } from '../memory/admission.js';
import type { BudgetChange } from '../memory/budget-change.js';
import type { Line, Sector } from '../tables/numbers.js';
import { AgeTimer } from './age-timer.js';
import { Barriers } from './barriers.js';
import { BaseFlush } from './base-flush.js';
import { LineWrites } from './line-writes.js';
import { type OperationCounts, Operations, type OperationsContext } from './operations.js';
import { Sweep } from './sweep.js';
import { type LineWrite, takeGroup } from './write-group.js';

export interface WriteBackOptions {
  /** Writes of the base in flight at once. */
  readonly maxWriteConcurrency: number;
  /** Shares of the lines that are dirty: writing starts above `start`, stops at `stop`; writers wait at `limit`. */
  readonly dirtyShares: { readonly stop: number; readonly start: number; readonly limit: number };
  /** Dirty data are written back at this age at the latest. */
  readonly maxDirtyAgeMs: number;
  readonly minRetryDelayMs: number;
  readonly maxRetryDelayMs: number;
  /** Pending zero ranges that there is memory for; half as many are written back. */
  readonly zeroRangesMax: number;
}

export interface WriteBackCounts extends OperationCounts {
  /** Calls of the base that failed. */
  failed: number;
  /** Flushes of the base. */
  flushes: number;
}

export interface WriteBackContext extends OperationsContext {
  readonly admission: Admission;
  readonly budget: BudgetChange;
  /** Told what was thrown where nothing must be thrown. */
  readonly broke: (error: unknown) => void;
}

/** The base fails what is written back. */
export interface WriteBackFailure {
  /** What the last call failed with. */
  readonly error: unknown;
  /** For how long no call has succeeded, in milliseconds, and in how many it is tried again. */
  readonly failingMs: number;
  readonly nextTryMs: number;
}

/**
 * Brings dirty lines and zeroed ranges to the base: oldest first while there is time, ascending during a flush, all dirty data
 * of one group together, several writes at once. What fails is dirty again and tried later.
 */
export class WriteBack {
  readonly counts: WriteBackCounts = { writes: 0, writeBytes: 0, lines: 0, zeroes: 0, failed: 0, flushes: 0 };
  readonly #context: WriteBackContext;
  readonly #options: WriteBackOptions;
  readonly #retry: Retry;
  /** The lines on their way. */
  readonly writes: LineWrites;
  readonly #operations: Operations;
  readonly #baseFlush: BaseFlush;
  #draining = false;
  #stopped = false;
  #hasEnded = false;
  readonly #barriers = new Barriers();
  readonly #sweep: Sweep;
  readonly #ageTimer: AgeTimer;
  #idleWaiters: (() => void)[] = [];
  /** Since when the base fails; of no meaning while it does not. */
  #failingSinceMs = 0;

  constructor(context: WriteBackContext, options: WriteBackOptions) {
    const { lines, dirtyLines, epochs, clock } = context;
    this.#context = context;
    this.writes = new LineWrites(lines, dirtyLines, epochs, clock);
    this.#options = options;
    this.#operations = new Operations(context, this.writes, this.counts, {
      zeroed: () => this.#sweep.want(),
      settled: (failure) => this.#callSettled(failure),
    });
    this.#baseFlush = new BaseFlush(context, () => this.counts.flushes++);
    this.#sweep = new Sweep(lines, dirtyLines);
    this.#ageTimer = new AgeTimer(clock, () => this.pump());
    this.#retry = new Retry(context.clock, options.minRetryDelayMs, options.maxRetryDelayMs, () => this.pump());
  }

  /** Calls of the base in flight. */
  get inFlight(): number {
    return this.#operations.count;
  }

  /** Whether a flush waits for what is written back, so that this goes as fast as it can. */
  get isFlushing(): boolean {
    return !this.#barriers.isEmpty;
  }

  /** Undefined while the base does not fail. */
  get failure(): WriteBackFailure | undefined {
    const { error, waitMs = 0 } = this.#retry;
    if (error === undefined) return undefined;
    const failingMs = Math.max(0, this.#context.clock.now() - this.#failingSinceMs);
    return { error, failingMs, nextTryMs: waitMs };
  }

  /** Lines that the base does not have yet: waiting or being written. */
  get dirtyCount(): number {
    return this.#context.dirtyLines.count + this.writes.dirtyCount;
  }

  /** Since when the base has had something of this cache that no flush has made durable; infinite if it has nothing. */
  get unflushedSinceMs(): number {
    return this.#baseFlush.unflushedSinceMs;
  }

  /** Whether one more line may become dirty. */
  get hasRoom(): boolean {
    return this.dirtyCount < this.#linesAt(this.#options.dirtyShares.limit) && this.zeroesHaveRoom;
  }

  /** Whether one more zero range may become pending; a write into the middle of one makes two of it. */
  get zeroesHaveRoom(): boolean {
    return this.#context.zeroes.pendingCount < this.#options.zeroRangesMax;
  }

  /** Starts what is due now. Called after everything that may have made something due, none of which fails because of it. */
  pump(): void {
    try {
      while (!this.#stopped && this.inFlight < this.#demand() && this.#startNext()) {}
      this.#armAgeTimer();
    } catch (error) {
      this.#context.broke(error);
    }
  }

  /** Resolves when everything accepted before the call is durable in the base [D1]. */
  async flush(): Promise<void> {
    await this.written();
    await this.#baseFlush.flush();
  }

  /** Resolves when the base has accepted everything that was accepted before the call. */
  written(): Promise<void> {
    return this.#reached(this.#context.epochs.close());
  }

  /** As `written`, for what lies in a range of sectors. */
  async rangeWritten(start: Sector, end: Sector): Promise<void> {
    const epoch = this.#context.epochs.close();
    for (;;) {
      this.#context.base.check();
      // Looked at without a pause: what was accepted may go back and forth between lines and zero ranges until it is written.
      if (this.#context.zeroes.hasUnwritten(start, end, epoch)) return this.#reached(epoch);
      const writes = this.#startRange(start, end, epoch);
      if (writes === undefined) return this.#reached(epoch);
      if (writes.length === 0) return;
      await Promise.all(writes.map(settledOf));
    }
  }

  /** Starts nothing until `resume`. Resolves when nothing is in flight. */
  pause(): Promise<void> {
    this.#stopped = true;
    this.#armAgeTimer();
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  resume(): void {
    if (this.#hasEnded) return;
    this.#stopped = false;
    this.pump();
  }

  /** The base's size or contents changed otherwise than by writing back. */
  baseChanged(): void {
    this.#baseFlush.changed();
  }

  /** Starts nothing ever again, and leaves no timer. Those who wait are told when the calls of the base end. */
  end(error: unknown): void {
    this.#stopped = true;
    this.#hasEnded = true;
    this.#armAgeTimer();
    this.#retry.end();
    this.#barriers.fail(error);
  }

  get #hasManyZeroes(): boolean {
    return this.#context.zeroes.pendingCount * 2 > this.#options.zeroRangesMax;
  }

  #linesAt(share: number): number {
    return Math.max(1, Math.floor(this.#context.lines.slotsMax * share));
  }

  /** How many calls of the base there should be in flight now. */
  #demand(): number {
    const { maxWriteConcurrency, dirtyShares, maxDirtyAgeMs } = this.#options;
    const { admission, budget, zeroes, dirtyLines, lines, clock } = this.#context;
    if (!this.#barriers.isEmpty) return maxWriteConcurrency;
    if (this.#retry.isWaiting) return 0;
    if (this.#retry.error !== undefined) return 1;
    if (admission.count > 0 || budget.isUnderWay || this.#hasManyZeroes) return maxWriteConcurrency;
    if (dirtyLines.first >= 0 && lines.isParked(dirtyLines.first)) return maxWriteConcurrency;
    if (Math.min(dirtyLines.firstSinceMs, zeroes.pendingSinceMs) + maxDirtyAgeMs <= clock.now())
      return maxWriteConcurrency;
    const stop = this.#linesAt(dirtyShares.stop);
    if (this.dirtyCount > this.#linesAt(dirtyShares.start)) this.#draining = true;
    else if (this.dirtyCount <= stop) this.#draining = false;
    if (!this.#draining) return 0;
    const pressure = (this.dirtyCount - stop) / (this.#linesAt(dirtyShares.limit) - stop);
    return Math.max(1, Math.ceil(Math.min(1, pressure) * maxWriteConcurrency));
  }

  async #reached(epoch: number): Promise<void> {
    this.#context.base.check();
    if (this.#context.epochs.oldest > epoch) return;
    const reached = this.#barriers.wait(epoch);
    this.#sweep.want();
    this.pump();
    return reached;
  }

  /** Writes of lines in the range that hold data of the epoch or older, begun if need be; undefined if one cannot begin now. */
  #startRange(start: Sector, end: Sector, epoch: number): LineWrite[] | undefined {
    const { lines, dirtyLines, geometry } = this.#context;
    const writes: LineWrite[] = [];
    for (let line = geometry.lineOf(start); line <= geometry.lastLine(end); line++) {
      const entry = lines.find(line);
      if (entry < 0) continue;
      const waits = dirtyLines.has(entry) && dirtyLines.epochOf(entry) <= epoch;
      if (waits && !this.#startGroupOf(line)) return undefined;
      const write = this.writes.of(entry);
      if (write !== undefined && holds(write, epoch)) writes.push(write);
    }
    return writes;
  }

  /** Starts one piece of work. False if there is none that can start now. */
  #startNext(): boolean {
    return this.#startZero() || this.#startLine();
  }

  #startZero(): boolean {
    const { zeroes, clock } = this.#context;
    if (zeroes.pendingCount === 0) return false;
    const flushing = zeroes.pendingEpoch <= this.#barriers.latest;
    const aged = zeroes.pendingSinceMs + this.#options.maxDirtyAgeMs <= clock.now();
    const due = flushing || aged || this.#hasManyZeroes || this.#retry.error !== undefined;
    if (!due) return false;
    const operation = zeroes.take((start, end) => this.#operations.isWritingTo(start, end));
    if (operation === undefined) return false;
    this.#operations.zero(operation);
    return true;
  }

  #startLine(): boolean {
    const entry = this.#barriers.isEmpty ? this.#context.dirtyLines.first : this.#sweep.next(this.#barriers.latest);
    return entry >= 0 && this.#startGroupOf(this.#context.lines.lineOf(entry));
  }

  /** Writes back the dirty lines of the group that `line` belongs to. False if it has to wait for a zeroing that overlaps. */
  #startGroupOf(line: Line): boolean {
    const { geometry, lines, dirtyLines, zeroes } = this.#context;
    const { linesPerGroup } = geometry;
    const group = Math.floor(line / linesPerGroup);
    const first = (group * linesPerGroup) as Line;
    if (zeroes.isInFlight(geometry.sectorOf(first, 0), geometry.sectorOf((first + linesPerGroup) as Line, 0))) {
      this.#sweep.want();
      return false;
    }
    const { writes, operations } = takeGroup(group, geometry, lines, dirtyLines, (entry) =>
      this.writes.isWriting(entry),
    );
    for (const write of writes) this.writes.add(write);
    for (const operation of operations) this.#operations.write(operation);
    return operations.length > 0;
  }

  /** After every call of the base: tell those who waited for it, and go on. */
  #callSettled(failure: BlockError | undefined): void {
    const { admission, budget } = this.#context;
    this.#baseFlush.changed();
    if (failure === undefined) {
      this.#retry.succeeded();
    } else {
      this.counts.failed++;
      if (this.#retry.error === undefined) this.#failingSinceMs = this.#context.clock.now();
      this.#retry.failed(failure);
      this.#barriers.fail(failure);
    }
    this.#passBarriers();
    admission.progress();
    budget.progress();
    // With nothing in flight and a failing base no room will come before the next attempt.
    if (failure !== undefined && this.inFlight === 0) {
      if (!this.hasRoom) admission.fail('write', failure);
      budget.fail(failure);
    }
    this.pump();
    if (this.inFlight === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #passBarriers(): void {
    this.#barriers.pass(this.#context.epochs.oldest);
    if (this.#barriers.isEmpty) this.#sweep.stop();
  }

  #armAgeTimer(): void {
    const { dirtyLines, zeroes } = this.#context;
    const oldestMs = Math.min(dirtyLines.firstSinceMs, zeroes.pendingSinceMs);
    this.#ageTimer.set(this.#stopped ? Number.POSITIVE_INFINITY : oldestMs + this.#options.maxDirtyAgeMs);
  }
}

/** Whether a line on its way has data of the epoch or older, on the way or to follow. */
function holds({ epoch, rewrittenEpoch }: LineWrite, limit: number): boolean {
  return (epoch >= 0 && epoch <= limit) || (rewrittenEpoch >= 0 && rewrittenEpoch <= limit);
}

function settledOf(write: LineWrite): Promise<void> {
  return new Promise((resolve, reject) => {
    write.onSettled.push((error) => (error === undefined ? resolve() : reject(error)));
  });
}
