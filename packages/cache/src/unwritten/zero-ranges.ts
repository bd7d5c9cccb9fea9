import { IntervalSet, invariant } from '@blockyard/block';
import { LAST_SECTOR, type Sector } from '../tables/numbers.js';
import type { Epochs } from './epochs.js';

export type ZeroKind = 'discard' | 'writeZeroes';

/** Sectors from `start` to before `end`. */
interface SectorSpan {
  readonly start: Sector;
  readonly end: Sector;
}

/** A range on its way to the base. */
export interface ZeroOperation extends SectorSpan {
  readonly kind: ZeroKind;
  readonly epoch: number;
  readonly sinceMs: number;
}

/**
 * Ranges that read as zeroes and of which the base has not been told, as intervals: a terabyte costs no more than a sector.
 * A sector is never both in here and dirty in a line, except while its range is on the way to the base: then the line is newer.
 */
export class ZeroRanges {
  readonly #epochs: Epochs;
  readonly #pending: Readonly<Record<ZeroKind, IntervalSet>> = {
    discard: new IntervalSet(),
    writeZeroes: new IntervalSet(),
  };
  readonly #inFlight = new Set<ZeroOperation>();
  /** Of all that is pending: the oldest counts for the rest. Infinite if nothing is. */
  #epoch = Number.POSITIVE_INFINITY;
  #sinceMs = Number.POSITIVE_INFINITY;

  constructor(epochs: Epochs) {
    this.#epochs = epochs;
  }

  /** Whether nothing reads as zeroes because of this. */
  get isEmpty(): boolean {
    return this.pendingCount === 0 && this.#inFlight.size === 0;
  }

  /** Intervals of which the base has not been told yet. */
  get pendingCount(): number {
    return this.#pending.discard.size + this.#pending.writeZeroes.size;
  }

  /** Operations on their way. */
  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  /** The epoch of the oldest pending range; infinite if there is none. */
  get pendingEpoch(): number {
    return this.#epoch;
  }

  get pendingSinceMs(): number {
    return this.#sinceMs;
  }

  /** Since when the oldest range has been pending or on its way; infinite if there is none. */
  get oldestSinceMs(): number {
    let oldestMs = this.pendingSinceMs;
    for (const { sinceMs } of this.#inFlight) oldestMs = Math.min(oldestMs, sinceMs);
    return oldestMs;
  }

  /**
   * The range reads as zeroes from now on; the caller drops what lines hold of it. `epoch` is the oldest of the data that go,
   * if any do: a flush that waits for those has to wait for the zeroes instead.
   */
  add(kind: ZeroKind, start: Sector, end: Sector, nowMs: number, epoch?: number): void {
    if (this.pendingCount === 0) {
      if (epoch !== undefined) this.#epochs.enterAgain(epoch);
      this.#epoch = epoch ?? this.#epochs.enter();
      this.#sinceMs = nowMs;
    } else if (epoch !== undefined) {
      this.#makeOlder(epoch, this.#sinceMs);
    }
    this.#pending[kind].add(start, end);
    this.#pending[kind === 'discard' ? 'writeZeroes' : 'discard'].remove(start, end);
  }

  /** Whether zeroes of the epoch or older are pending or on their way in the range. */
  hasUnwritten(start: Sector, end: Sector, epoch: number): boolean {
    const pendingEpoch = this.epochIn(start, end);
    if (pendingEpoch !== undefined && pendingEpoch <= epoch) return true;
    for (const operation of this.#inFlight) {
      if (operation.epoch <= epoch && operation.start < end && start < operation.end) return true;
    }
    return false;
  }

  /** The epoch in which pending zeroes of the range count, if there are any. */
  epochIn(start: Sector, end: Sector): number | undefined {
    if (this.pendingCount === 0) return undefined;
    const { discard, writeZeroes } = this.#pending;
    return discard.intersects(start, end) || writeZeroes.intersects(start, end) ? this.#epoch : undefined;
  }

  /** The range was written, or no longer exists. */
  remove(start: Sector, end: Sector): void {
    if (this.pendingCount === 0) return;
    this.#pending.discard.remove(start, end);
    this.#pending.writeZeroes.remove(start, end);
    this.#leaveIfEmpty();
  }

  /** Whether the whole range reads as zeroes, as far as no line says otherwise. */
  covers(start: Sector, end: Sector): boolean {
    if (this.isEmpty) return false;
    if (this.#pending.discard.covers(start, end) || this.#pending.writeZeroes.covers(start, end)) return true;
    let covered = 0;
    this.forEachZero(start, end, (from, to) => {
      covered += to - from;
    });
    return covered === end - start;
  }

  /**
   * Where a run of zeroes that covers the range ends, as far as one interval tells; `end` if it takes several to cover the
   * range.
   */
  endOfRun(start: Sector, end: Sector): Sector {
    let last: number = end;
    for (const set of [this.#pending.discard, this.#pending.writeZeroes]) {
      const [run] = set.runs(start, LAST_SECTOR);
      if (run?.inside === true) last = Math.max(last, run.end);
    }
    for (const operation of this.#inFlight) if (operation.start <= start) last = Math.max(last, operation.end);
    return last as Sector;
  }

  /** Calls `visit` with the runs of the range that read as zeroes, ascending, disjoint. */
  forEachZero(start: Sector, end: Sector, visit: (start: Sector, end: Sector) => void): void {
    if (this.isEmpty) return;
    const union = new IntervalSet();
    for (const set of [this.#pending.discard, this.#pending.writeZeroes]) {
      for (const run of set.runs(start, end)) if (run.inside) union.add(run.start, run.end);
    }
    for (const operation of this.#inFlight) {
      const from = Math.max(start, operation.start);
      const to = Math.min(end, operation.end);
      if (from < to) union.add(from, to);
    }
    for (const run of union.runs(start, end)) if (run.inside) visit(run.start as Sector, run.end as Sector);
  }

  /** Takes a pending range out, to tell the base; one that `isBlocked` says has to wait stays. Undefined if there is none. */
  take(isBlocked: (start: Sector, end: Sector) => boolean): ZeroOperation | undefined {
    for (const kind of ['discard', 'writeZeroes'] as const) {
      for (const { start, end } of this.#pending[kind] as Iterable<SectorSpan>) {
        if (isBlocked(start, end) || this.isInFlight(start, end)) continue;
        const operation = { kind, start, end, epoch: this.#epoch, sinceMs: this.#sinceMs };
        this.#epochs.enterAgain(operation.epoch);
        this.#inFlight.add(operation);
        this.remove(start, end);
        return operation;
      }
    }
    return undefined;
  }

  /** Whether the base is being told of a part of the range: data for it have to wait. */
  isInFlight(start: Sector, end: Sector): boolean {
    for (const operation of this.#inFlight) if (operation.start < end && start < operation.end) return true;
    return false;
  }

  /** The base has been told. */
  done(operation: ZeroOperation): void {
    this.#landed(operation);
    this.#epochs.leave(operation.epoch);
  }

  /** The base did not take it: pending again, except what `written` says was written since. */
  failed(operation: ZeroOperation, written: (visit: (start: Sector, end: Sector) => void) => void): void {
    this.#landed(operation);
    const { kind, start, end, epoch, sinceMs } = operation;
    const again = new IntervalSet();
    again.add(start, end);
    written((from, to) => again.remove(from, to));
    for (const other of [this.#pending.discard, this.#pending.writeZeroes]) {
      for (const run of other.runs(start, end)) if (run.inside) again.remove(run.start, run.end);
    }
    for (const run of again) {
      if (this.pendingCount === 0) {
        this.#epochs.enterAgain(epoch);
        this.#epoch = epoch;
        this.#sinceMs = sinceMs;
      }
      this.#pending[kind].add(run.start, run.end);
    }
    this.#makeOlder(epoch, sinceMs);
    this.#epochs.leave(epoch);
  }

  #landed(operation: ZeroOperation): void {
    invariant(this.#inFlight.delete(operation), 'a zeroing must be on its way to end');
  }

  /** What is pending counts in the older of its epochs. */
  #makeOlder(epoch: number, sinceMs: number): void {
    if (this.pendingCount === 0 || epoch >= this.#epoch) return;
    this.#epochs.leave(this.#epoch);
    this.#epochs.enterAgain(epoch);
    this.#epoch = epoch;
    this.#sinceMs = sinceMs;
  }

  #leaveIfEmpty(): void {
    if (this.pendingCount > 0) return;
    this.#epochs.leave(this.#epoch);
    this.#epoch = Number.POSITIVE_INFINITY;
    this.#sinceMs = Number.POSITIVE_INFINITY;
  }
}
