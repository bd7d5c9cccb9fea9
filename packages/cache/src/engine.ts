import { type BlockDevice, BlockError, type Clock, checkInteger } from '@blockyard/block';
import { type Yielder, yielderOf } from '@blockyard/block/async';
import { BaseCalls } from './base/base-calls.js';
import { containedClock } from './base/contained-clock.js';
import { Fetcher } from './base/fetcher.js';
import { Latencies } from './base/latencies.js';
import { Geometry } from './lines/geometry.js';
import { Lender } from './lines/lender.js';
import { Lines } from './lines/lines.js';
import { Slabs } from './lines/slabs.js';
import { Admission } from './memory/admission.js';
import { BudgetChange } from './memory/budget-change.js';
import { type CheckedOptions, invalid } from './options.js';
import { createPolicy, type MemoryPlan, planMemory } from './plan.js';
import { LinesAhead } from './read-ahead/lines-ahead.js';
import { Prefetcher } from './read-ahead/prefetcher.js';
import { WarmUps } from './read-ahead/warm-ups.js';
import { FetchWidth } from './requests/fetch-width.js';
import type { ReadCounts } from './requests/read-request.js';
import type { Line, Sector } from './tables/numbers.js';
import { DirtyLines } from './unwritten/dirty-lines.js';
import { Epochs } from './unwritten/epochs.js';
import { ZeroRanges } from './unwritten/zero-ranges.js';
import { WriteBack } from './write-back/write-back.js';

/** The parts of the cache, wired to each other. Requests find here what they work with. */
export class Engine {
  readonly geometry: Geometry;
  readonly clock: Clock;
  /** Shared with all that live by the clock that was given. */
  readonly yielder: Yielder;
  readonly isWriteThrough: boolean;
  readonly epochs = new Epochs();
  readonly admission = new Admission();
  readonly counts: ReadCounts = { lookups: 0, hits: 0 };
  readonly latencies = new Latencies();
  readonly zeroes: ZeroRanges;
  readonly lines: Lines;
  readonly dirtyLines: DirtyLines;
  readonly lender: Lender;
  readonly budget: BudgetChange;
  readonly fetcher: Fetcher;
  readonly fetchWidth: FetchWidth;
  readonly writeBack: WriteBack;
  readonly linesAhead: LinesAhead;
  readonly prefetcher: Prefetcher;
  readonly warmUps: WarmUps;
  readonly base: BaseCalls;
  #deviceSectors: Sector;
  readonly #plan: MemoryPlan;
  readonly #options: CheckedOptions;
  #maxSizeBytes: number;

  /** Those who wait for memory go on, then what has to leave because of the budget. */
  readonly memoryReturned = (): void => {
    this.admission.progress();
    this.budget.progress();
    this.writeBack.pump();
  };

  /** An invariant does not hold: nothing that the tables say can be trusted, so everything ends. */
  readonly broke = (cause: unknown): void => {
    this.end(
      new BlockError('IO', 'the cache has failed within itself, and what is not written back is lost', { cause }),
    );
  };

  constructor(base: BlockDevice, options: CheckedOptions) {
    const { sectorSize, sizeSectors, preferredIoBytes } = base.info;
    const plan = planMemory(options, sectorSize);
    const policy = createPolicy(options, plan);
    this.#plan = plan;
    this.#options = options;
    this.#maxSizeBytes = options.maxSizeBytes;
    this.base = new BaseCalls(base, this.broke);
    this.#deviceSectors = sizeSectors as Sector;
    this.clock = containedClock(options.clock, this.broke);
    this.yielder = yielderOf(options.clock);
    this.isWriteThrough = options.mode === 'writethrough';
    this.geometry = new Geometry(sectorSize, plan.lineSize, preferredIoBytes);
    this.zeroes = new ZeroRanges(this.epochs);
    this.dirtyLines = new DirtyLines(policy.entriesMax, this.epochs);
    this.lines = new Lines(this.geometry, policy, new Slabs(plan.lineSize, plan.slots), {
      parked: (entry) => this.dirtyLines.moveToFront(entry),
      aheadSettled: (line, wasUsed, byWarmUp) => {
        if (byWarmUp) this.warmUps.settled(wasUsed);
        else this.prefetcher.settled(line, wasUsed);
      },
      entriesGrew: (entriesMax) => this.dirtyLines.grow(entriesMax),
    });
    this.budget = new BudgetChange(this.lines);
    this.lender = new Lender(this);
    this.fetcher = new Fetcher(this);
    this.fetchWidth = new FetchWidth(this);
    this.writeBack = new WriteBack(this, { ...options, ...plan, dirtyShares: DIRTY_SHARES });
    this.linesAhead = new LinesAhead(this.lines, this.admission);
    this.prefetcher = new Prefetcher(this, options.readAhead);
    this.warmUps = new WarmUps(this);
  }

  get deviceSectors(): Sector {
    return this.#deviceSectors;
  }

  /** The base has got that size. */
  setDeviceSectors(sizeSectors: Sector): void {
    this.#deviceSectors = sizeSectors;
    this.writeBack.baseChanged();
  }

  get maxSizeBytes(): number {
    return this.#maxSizeBytes;
  }

  /** Bytes that the cache holds now. */
  get heldBytes(): number {
    return this.lines.payloadBytes + this.lines.tableBytes + this.dirtyLines.byteLength + this.#plan.fixedBytes;
  }

  /**
   * Changes the budget. Resolves when no more than the new one is held, apart from what is lent, which takes as long as dirty
   * lines that have to leave take to be written back. Tables keep their size when the budget shrinks, and count.
   */
  setMaxSizeBytes(maxSizeBytes: number): Promise<void> {
    this.base.check();
    checkInteger(maxSizeBytes, 'maxSizeBytes');
    const { lineSize } = this.geometry;
    const plan = planMemory({ ...this.#options, lineSize, maxSizeBytes }, this.geometry.sectorSize);
    const others = this.heldBytes - this.lines.payloadBytes;
    const fitting = Math.min(plan.slots, Math.floor((maxSizeBytes - others) / lineSize));
    // Memory comes in whole slabs.
    const slots = fitting - (fitting % this.lines.slotsPerSlab);
    if (slots < plan.maxParked + 1)
      throw invalid(`maxSizeBytes must leave room beside ${others} bytes of tables, not ${maxSizeBytes}`);
    this.lines.setLimits(slots, slots - plan.maxParked);
    this.#maxSizeBytes = maxSizeBytes;
    this.prefetcher.budgetChanged();
    const changed = this.budget.begin();
    this.memoryReturned();
    return changed;
  }

  /** Sectors of a line that the device has. */
  lineEnd(line: Line): number {
    return this.geometry.toIn(line, this.#deviceSectors);
  }

  /** Stops all traffic to the base. Resolves when none is left. */
  async pause(): Promise<void> {
    this.prefetcher.pause();
    this.warmUps.pause();
    await Promise.all([this.writeBack.pause(), this.fetcher.idle()]);
  }

  resume(): void {
    if (this.base.hasEnded) return;
    this.prefetcher.resume();
    this.warmUps.resume();
    this.writeBack.resume();
    this.memoryReturned();
  }

  /**
   * Ends everything at once: every request that waits fails with the error, the base is no longer called, and what it still
   * answers is ignored. Memory that it may be using stays as it is, and its own.
   */
  end(error: BlockError): void {
    if (this.base.hasEnded) return;
    this.prefetcher.end();
    this.warmUps.end();
    this.lender.end();
    this.writeBack.end(error);
    this.admission.end(error);
    this.budget.end(error);
    this.base.end(error);
    this.lines.clear();
  }
}

/** Shares of the lines: more than half dirty saves no writes, less than a quarter costs many (docs/cache.md, "Writing back"). */
const DIRTY_SHARES = { stop: 0.2, start: 0.25, limit: 0.5 };
