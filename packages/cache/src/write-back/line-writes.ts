import { type Clock, invariant } from '@blockyard/block';
import type { Lines } from '../lines/lines.js';
import { clearBits, hasAnyBit, nextSetBit } from '../tables/bits.js';
import type { Entry } from '../tables/numbers.js';
import type { DirtyLines } from '../unwritten/dirty-lines.js';
import type { Epochs } from '../unwritten/epochs.js';
import type { LineWrite } from './write-group.js';

/**
 * The lines on their way to the base, and which of their sectors are still wanted there after writes and zeroings meanwhile.
 */
export class LineWrites {
  readonly #lines: Lines;
  readonly #dirtyLines: DirtyLines;
  readonly #epochs: Epochs;
  readonly #clock: Clock;
  readonly #writes = new Map<Entry, LineWrite>();
  /** Of them, those that are not there merely to fill a gap. */
  #dirtyCount = 0;

  constructor(lines: Lines, dirtyLines: DirtyLines, epochs: Epochs, clock: Clock) {
    this.#lines = lines;
    this.#dirtyLines = dirtyLines;
    this.#epochs = epochs;
    this.#clock = clock;
  }

  /** Lines on their way that were dirty. */
  get dirtyCount(): number {
    return this.#dirtyCount;
  }

  of(entry: Entry): LineWrite | undefined {
    return this.#writes.get(entry);
  }

  /** The lines on their way. */
  entries(): Iterable<Entry> {
    return this.#writes.keys();
  }

  /** Since when the oldest dirty data have waited of those that are on their way, or lie in a line that is; infinite if none do. */
  get oldestSinceMs(): number {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const { epoch, sinceMs, rewrittenEpoch, rewrittenMs } of this.#writes.values()) {
      if (epoch >= 0) oldestMs = Math.min(oldestMs, sinceMs);
      if (rewrittenEpoch >= 0) oldestMs = Math.min(oldestMs, rewrittenMs);
    }
    return oldestMs;
  }

  add(write: LineWrite): void {
    invariant(!this.#writes.has(write.entry), 'a line must be on its way once at a time');
    this.#writes.set(write.entry, write);
    if (write.epoch >= 0) this.#dirtyCount++;
  }

  delete(write: LineWrite): void {
    invariant(this.#writes.get(write.entry) === write, 'a line must be on its way to arrive');
    this.#writes.delete(write.entry);
    if (write.epoch >= 0) this.#dirtyCount--;
  }

  /** Whether a line is on its way. */
  isWriting(entry: Entry): boolean {
    return this.#writes.has(entry);
  }

  /** Whether the base is reading these sectors of the line's present slot. */
  isSource(entry: Entry, from: number, to: number): boolean {
    const write = this.#writes.get(entry);
    if (write === undefined || write.slot !== this.#lines.slotOf(entry)) return false;
    return hasAnyBit(write.source, 0, from, to);
  }

  /** Whether a sector of a line is on its way to the base, and wanted there. */
  isUnwritten(entry: Entry, sector: number): boolean {
    const write = this.#writes.get(entry);
    return write !== undefined && hasAnyBit(write.dirty, 0, sector, sector + 1);
  }

  /** Sectors of the range that are on their way to the base, wanted there, and not rewritten since. */
  countUnwritten(entry: Entry, from: number, to: number): number {
    const write = this.#writes.get(entry);
    if (write === undefined) return 0;
    let count = 0;
    for (let at = nextSetBit(write.dirty, 0, from, to); at < to; at = nextSetBit(write.dirty, 0, at + 1, to)) {
      if (!this.#lines.dirty.covers(entry, at, at + 1)) count++;
    }
    return count;
  }

  /**
   * A line has new dirty data. One that is being written waits again once this is over. `epoch`: see {@link DirtyLines.add}.
   */
  dirtied(entry: Entry, epoch?: number): void {
    const write = this.#writes.get(entry);
    if (write === undefined) {
      this.#dirtyLines.add(entry, this.#clock.now(), epoch);
    } else if (write.rewrittenEpoch < 0 || (epoch !== undefined && epoch < write.rewrittenEpoch)) {
      if (epoch !== undefined) this.#epochs.enterAgain(epoch);
      if (write.rewrittenEpoch >= 0) this.#epochs.leave(write.rewrittenEpoch);
      else write.rewrittenMs = this.#clock.now();
      write.rewrittenEpoch = epoch ?? this.#epochs.enter();
    }
  }

  /** The epoch of the dirty data of a line that are not on their way; infinite if there are none. */
  epochOf(entry: Entry): number {
    if (!this.#lines.dirty.any(entry)) return Number.POSITIVE_INFINITY;
    const write = this.#writes.get(entry);
    if (write === undefined) return this.#dirtyLines.epochOf(entry);
    // One of its writes may have failed, and what it was about be dirty again, while another is still on its way.
    const failed = write.failure === undefined ? Number.POSITIVE_INFINITY : write.epoch;
    return write.rewrittenEpoch < 0 ? failed : Math.min(failed, write.rewrittenEpoch);
  }

  /** Sectors of a line being written are no longer wanted, whether the write completes or fails. */
  supersede(entry: Entry, from: number, to: number): void {
    const write = this.#writes.get(entry);
    if (write !== undefined) clearBits(write.dirty, 0, from, to);
  }
}
