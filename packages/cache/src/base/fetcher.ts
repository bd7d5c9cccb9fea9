import { type BlockError, type Clock, invariant } from '@blockyard/block';
import type { Geometry } from '../lines/geometry.js';
import type { Lines } from '../lines/lines.js';
import {
  clearBits,
  countBits,
  hasAllBits,
  hasAnyBit,
  nextClearBit,
  nextSetBit,
  removeBits,
  setBits,
} from '../tables/bits.js';
import type { Entry, Line, Slot } from '../tables/numbers.js';
import type { Gap } from '../tables/sector-masks.js';
import type { ZeroRanges } from '../unwritten/zero-ranges.js';
import type { BaseCalls, BaseRead } from './base-calls.js';
import { type Latencies, timed } from './latencies.js';
import { Scratch } from './scratch.js';

/** Bounds the tables by which a line knows what is on its way; who needs more of it waits for one of these. */
const FETCHES_PER_LINE_MAX = 16;

const NONE: readonly LineFetch[] = [];

/** Told when the fetch of a line has completed, or failed: the error is the base's, and the waiter may try again by itself. */
export type FetchWaiter = (failure: BlockError | undefined) => void;

/** The part of a base read that fills one line. Sectors are of the line. */
export interface LineFetch {
  readonly entry: Entry;
  readonly line: Line;
  /** Where the base writes to; the line itself may move elsewhere meanwhile. */
  readonly slot: Slot;
  /** Sectors that the line still wants from this fetch: those written or zeroed meanwhile are newer, and cleared here. */
  readonly wanted: Uint32Array;
  /** Sectors that the base writes to, wanted still or not. */
  readonly target: Uint32Array;
  readonly from: number;
  readonly to: number;
  /** Read ahead of any request: fails silently. */
  readonly speculative: boolean;
  readonly waiters: FetchWaiter[];
}

export interface FetchCounts {
  /** Base reads begun, and their bytes. */
  reads: number;
  readBytes: number;
  failed: number;
}

export interface FetchContext {
  readonly base: BaseCalls;
  readonly geometry: Geometry;
  readonly lines: Lines;
  readonly zeroes: ZeroRanges;
  readonly clock: Clock;
  readonly latencies: Latencies;
  /** Called after each read of the base, when all who waited for it were told. */
  readonly memoryReturned: () => void;
}

/**
 * Fills lines from the base. A sector has at most one fetch at a time, which all who need it share; fetches of other sectors
 * of the line run beside it [C7]. The base reads straight into the lines' slots; what is written meanwhile is newer than what
 * arrives and stays.
 */
export class Fetcher {
  readonly counts: FetchCounts = { reads: 0, readBytes: 0, failed: 0 };
  readonly #context: FetchContext;
  readonly #fetches = new Map<Entry, LineFetch[]>();
  /** Takes what the base reads between the sectors that are wanted. */
  readonly #scratch: Scratch;
  #inFlight = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(context: FetchContext) {
    this.#context = context;
    this.#scratch = new Scratch(context.geometry.lineSize);
  }

  /** Whether there will be no more reads: what failed need not be tried again. */
  get hasEnded(): boolean {
    return this.#context.base.hasEnded;
  }

  /** Base reads in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The fetches under way for a line, the oldest first. */
  of(entry: Entry): readonly LineFetch[] {
    return this.#fetches.get(entry) ?? NONE;
  }

  /** Sectors of the range that are valid, or that fetches under way will deliver. */
  countHeld(entry: Entry, from: number, to: number): number {
    let count = this.#context.lines.valid.count(entry, from, to);
    for (const fetch of this.of(entry)) count += this.countWanted(fetch, from, to);
    return count;
  }

  /** Whether a fetch of the range would read anything: what is absent, not known to be zero, and not on its way. */
  lacks(entry: Entry, line: Line, from: number, to: number): boolean {
    return hasAnyBit(this.#absentIn(entry, line, from, to), 0, from, to);
  }

  /** Whether a fetch of the range would read anything, and the line may have one more. */
  mayBegin(entry: Entry, line: Line, from: number, to: number): boolean {
    return this.of(entry).length < FETCHES_PER_LINE_MAX && this.lacks(entry, line, from, to);
  }

  /**
   * The fetch under way that a reader of the range has to wait for. Undefined where it may begin one of its own, for what is
   * not on its way yet.
   */
  toAwait(entry: Entry, line: Line, from: number, to: number): LineFetch | undefined {
    const underWay = this.of(entry);
    if (underWay.length === 0) return undefined;
    if (this.mayBegin(entry, line, from, to)) return undefined;
    return (
      underWay.find((fetch) => this.willCover(fetch, from, to)) ??
      underWay.find((fetch) => this.#meets(fetch, from, to)) ??
      underWay[0]
    );
  }

  /** Whether the fetch, once over, will have left no sector of the range absent. */
  willCover(fetch: LineFetch, from: number, to: number): boolean {
    return this.#gaps(fetch.entry, from, to).every(([at, end]) => hasAllBits(fetch.wanted, 0, at, end));
  }

  /** Whether the base is writing to these sectors of the line's present slot. */
  isTarget(entry: Entry, from: number, to: number): boolean {
    const underWay = this.of(entry);
    if (underWay.length === 0) return false;
    const slot = this.#context.lines.slotOf(entry);
    return underWay.some((fetch) => fetch.slot === slot && hasAnyBit(fetch.target, 0, from, to));
  }

  /** Newer data than the base's: no fetch under way may deliver these sectors. */
  supersede(entry: Entry, from: number, to: number): void {
    for (const fetch of this.of(entry)) clearBits(fetch.wanted, 0, from, to);
  }

  /**
   * A fetch of what is absent between sectors `from` and `to` of a resident line, and not on its way, but for those of the mask
   * `left`. It begins with `issue`.
   */
  prepare(entry: Entry, line: Line, from: number, to: number, speculative: boolean, left?: Uint32Array): LineFetch {
    const underWay = this.#fetches.get(entry) ?? [];
    invariant(underWay.length < FETCHES_PER_LINE_MAX, 'a line must not have more fetches than its bound');
    const wanted = this.#absentIn(entry, line, from, to);
    if (left !== undefined) removeBits(wanted, left);
    const low = nextSetBit(wanted, 0, from, to);
    let high = low;
    for (let at = low; at < to; at = nextSetBit(wanted, 0, high, to)) high = nextClearBit(wanted, 0, at, to);
    const slot = this.#context.lines.pin(entry);
    const fetch: LineFetch = {
      entry,
      line,
      slot,
      wanted,
      target: wanted.slice(),
      from: low,
      to: high,
      speculative,
      waiters: [],
    };
    underWay.push(fetch);
    this.#fetches.set(entry, underWay);
    return fetch;
  }

  /** Reads the fetches of neighbouring lines, ascending, by one read of the base. */
  issue(run: readonly LineFetch[]): void {
    let part: LineFetch[] = [];
    let partGaps = 0;
    run.forEach((fetch, i) => {
      invariant(fetch.line === (run[0]?.line ?? 0) + i, 'the lines of one read must be neighbours');
      const gaps = this.#gapBytes([fetch], i > 0, i < run.length - 1);
      if (partGaps + gaps > this.#scratch.lengthBytes && part.length > 0) {
        this.#issue(part);
        part = [];
        partGaps = 0;
      }
      part.push(fetch);
      partGaps += gaps;
    });
    if (part.length > 0) this.#issue(part);
  }

  /** One call of the base, which begins when there is memory for what lies between. */
  #issue(run: readonly LineFetch[]): void {
    const { base, geometry, clock, latencies } = this.#context;
    const gapBytes = this.#gapBytes(run);
    const sectors = run.reduce((sum, { target, from, to }) => sum + countBits(target, 0, from, to), 0);
    this.counts.readBytes += sectors * geometry.sectorSize + gapBytes;
    this.#inFlight++;
    this.#scratch.take(gapBytes, (scratch) => {
      const reads = this.#readsOf(run, scratch);
      this.counts.reads += reads.length;
      const ended = timed(clock, latencies.baseRead);
      base.read(reads, (failure) => {
        if (failure === undefined) ended();
        this.#scratch.giveBack(gapBytes);
        this.#settle(run, failure);
      });
    });
  }

  /** Bytes that a read of the lines brings and no one wants. By default they are the first and the last lines of it. */
  #gapBytes(run: readonly LineFetch[], goesBefore = false, goesOn = false): number {
    if (this.#context.base.fragments !== undefined) return 0;
    const { sectorsPerLine, sectorSize } = this.#context.geometry;
    const sectors = run.reduce((sum, { from, to, target }, i) => {
      const start = i === 0 && !goesBefore ? from : 0;
      const end = i === run.length - 1 && !goesOn ? to : sectorsPerLine;
      return sum + end - start - countBits(target, 0, start, end);
    }, 0);
    return sectors * sectorSize;
  }

  /** Sectors of the range that a fetch is still to deliver. */
  countWanted(fetch: LineFetch, from: number, to: number): number {
    return countBits(fetch.wanted, 0, from, to);
  }

  /** Resolves when no read of the base is in flight. */
  idle(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /**
   * Sectors of the range that a fetch has to bring. What the base writes to for another fetch is left out even where that one
   * no longer wants it: its data would arrive on top.
   */
  #absentIn(entry: Entry, line: Line, from: number, to: number): Uint32Array {
    const { geometry, zeroes } = this.#context;
    const { valid } = this.#context.lines;
    const absent = new Uint32Array(valid.wordsPerLine);
    const first = geometry.sectorOf(line, 0);
    for (const [at, end] of valid.gaps(entry, from, to)) {
      setBits(absent, 0, at, end);
      zeroes.forEachZero(geometry.sectorOf(line, at), geometry.sectorOf(line, end), (start, stop) =>
        clearBits(absent, 0, start - first, stop - first),
      );
    }
    for (const { target } of this.of(entry)) removeBits(absent, target);
    return absent;
  }

  /** Whether the fetch will deliver, or at least ends the wait for, an absent sector of the range. */
  #meets(fetch: LineFetch, from: number, to: number): boolean {
    return this.#gaps(fetch.entry, from, to).some(([at, end]) => hasAnyBit(fetch.target, 0, at, end));
  }

  /** Runs of sectors of the range that the line has not. */
  #gaps(entry: Entry, from: number, to: number): Gap[] {
    return this.#context.lines.valid.gaps(entry, from, to);
  }

  #forget(fetch: LineFetch): void {
    const others = this.of(fetch.entry).filter((other) => other !== fetch);
    if (others.length > 0) this.#fetches.set(fetch.entry, others);
    else this.#fetches.delete(fetch.entry);
  }

  /**
   * Reads of what the fetches are to bring, into the lines' slots. What lies between goes to scratch; where the base tells which
   * reads are one to it, it is not read.
   */
  #readsOf(run: readonly LineFetch[], scratch: Uint8Array): BaseRead[] {
    const { base, geometry, lines } = this.#context;
    const reads: BaseRead[] = [];
    let next = -1;
    let usedBytes = 0;
    for (const { line, slot, target, from, to } of run) {
      for (let at = from; at < to; ) {
        const start = geometry.sectorOf(line, at);
        const end = nextClearBit(target, 0, at, to);
        if (next < 0 || (start > next && base.fragments !== undefined)) reads.push({ start, buffers: [] });
        else if (start > next) {
          const gapBytes = (start - next) * geometry.sectorSize;
          reads.at(-1)?.buffers.push(scratch.subarray(usedBytes, usedBytes + gapBytes));
          usedBytes += gapBytes;
        }
        reads.at(-1)?.buffers.push(lines.view(slot, at, end));
        next = geometry.sectorOf(line, end);
        at = nextSetBit(target, 0, end, to);
      }
    }
    return reads;
  }

  #settle(run: readonly LineFetch[], failure: BlockError | undefined): void {
    this.#inFlight--;
    if (failure !== undefined) this.counts.failed++;
    for (const fetch of run) {
      this.#forget(fetch);
      if (failure === undefined) this.#deliver(fetch);
    }
    // Still pinned meanwhile: no line of the run may leave before all who wait for it have their data.
    for (const fetch of run) for (const waiter of fetch.waiters) waiter(failure);
    for (const fetch of run) this.#context.lines.unpin(fetch.entry, fetch.slot);
    if (this.#inFlight === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
    this.#context.memoryReturned();
  }

  /** Makes what arrived and is still wanted valid, in the slot that the line has now. */
  #deliver(fetch: LineFetch): void {
    const { entry, slot, wanted, to } = fetch;
    const { valid } = this.#context.lines;
    const now = this.#context.lines.slotOf(entry);
    for (let at = nextSetBit(wanted, 0, fetch.from, to); at < to; ) {
      const end = nextClearBit(wanted, 0, at, to);
      invariant(valid.nextSet(entry, at, end) === end, 'what arrives must not take the place of what is there');
      if (now !== slot) this.#context.lines.view(now, at, end).set(this.#context.lines.view(slot, at, end));
      valid.set(entry, at, end);
      at = nextSetBit(wanted, 0, end, to);
    }
  }
}
