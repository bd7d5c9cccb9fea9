import type { Clock } from '@blockyard/block';
import type { Fetcher } from '../base/fetcher.js';
import { type Latencies, timed } from '../base/latencies.js';
import type { Geometry } from '../lines/geometry.js';
import type { Lender } from '../lines/lender.js';
import type { Lines } from '../lines/lines.js';
import type { Admission } from '../memory/admission.js';
import { type Entry, type Line, NO_ENTRY, type Sector } from '../tables/numbers.js';
import type { ZeroRanges } from '../unwritten/zero-ranges.js';
import type { WriteBack } from '../write-back/write-back.js';
import { QueuedRequest } from './queued-request.js';
import { RequestRange } from './request-range.js';

/** What a write works with. */
export interface WriteContext {
  readonly geometry: Geometry;
  readonly lines: Lines;
  readonly zeroes: ZeroRanges;
  readonly lender: Lender;
  readonly fetcher: Fetcher;
  readonly writeBack: WriteBack;
  readonly admission: Admission;
  readonly clock: Clock;
  readonly latencies: Latencies;
}

/**
 * One write: copied into the lines it touches, marked dirty, done. Never reads from the base [C4]. Where memory runs out, or
 * too much is dirty, it joins the queue and later goes on where it stopped.
 */
export class WriteRequest extends QueuedRequest {
  readonly kind = 'write';
  readonly #context: WriteContext;
  readonly #range: RequestRange;
  /** Ends the timing of a write that had to wait. */
  #waited: (() => void) | undefined;

  constructor(context: WriteContext, start: Sector, count: number, buffers: readonly Uint8Array[]) {
    super(context.admission);
    this.#context = context;
    this.#range = new RequestRange(context.geometry, start, count, buffers);
  }

  /** Begins. Undefined if everything went into memory at once. */
  run(): Promise<void> | undefined {
    if (this.advance()) return undefined;
    const { clock, latencies, writeBack } = this.#context;
    this.#waited = timed(clock, latencies.writeWait);
    const outcome = this.outcome();
    this.join();
    writeBack.pump();
    return outcome;
  }

  advance(): boolean {
    for (const range = this.#range; !range.isOver; range.next()) {
      if (!this.#put(range.line, range.from, range.to)) return false;
    }
    this.#waited?.();
    this.complete();
    return true;
  }

  fail(error: unknown): void {
    this.reject(error);
  }

  /** Writes sectors `from` to `to` of a line. False if there is no memory for them now. */
  #put(line: Line, from: number, to: number): boolean {
    const { geometry, lines, fetcher, zeroes, writeBack } = this.#context;
    const { buffers } = this.#range;
    const start = geometry.sectorOf(line, from);
    const end = geometry.sectorOf(line, to);
    const at = this.#range.byteOf(line, from);
    // Before anything changes: a line is never half written.
    buffers.check(at, (to - from) * geometry.sectorSize);
    const found = lines.find(line);
    if (!this.#mayDirty(found)) return false;
    const entry = found >= 0 ? found : this.#admit(line);
    if (entry < 0) return false;
    if (found >= 0) {
      if (this.#isInUse(entry, from, to) && !this.#relocate(entry)) return false;
      lines.touch(entry);
    }
    lines.copyIn(entry, from, to, buffers, at);
    lines.valid.set(entry, from, to);
    lines.dirty.set(entry, from, to);
    fetcher.supersede(entry, from, to);
    writeBack.writes.dirtied(entry, zeroes.epochIn(start, end));
    zeroes.remove(start, end);
    return true;
  }

  /** Rewriting what is dirty already needs no share of the limit. */
  #mayDirty(entry: Entry): boolean {
    const { lines, writeBack } = this.#context;
    if (entry >= 0 && (lines.dirty.any(entry) || writeBack.writes.isWriting(entry))) return true;
    return this.isNext && writeBack.hasRoom;
  }

  #admit(line: Line): Entry {
    return this.isNext ? this.#context.lines.admit(line, false) : NO_ENTRY;
  }

  #relocate(entry: Entry): boolean {
    return this.isNext && this.#context.lines.relocate(entry);
  }

  /** Whether the base is reading or writing these very bytes, or the line is lent to a caller. */
  #isInUse(entry: Entry, from: number, to: number): boolean {
    const { lines, lender, fetcher, writeBack } = this.#context;
    if (!lines.isPinned(entry)) return false;
    return lender.hasLent(entry) || fetcher.isTarget(entry, from, to) || writeBack.writes.isSource(entry, from, to);
  }
}
