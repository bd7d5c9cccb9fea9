import type { Clock } from '@blockyard/block';
import type { Fetcher } from '../base/fetcher.js';
import type { Latencies } from '../base/latencies.js';
import { BufferList } from '../lines/buffer-list.js';
import type { Geometry } from '../lines/geometry.js';
import type { Lender } from '../lines/lender.js';
import type { Lines } from '../lines/lines.js';
import type { Admission, Waiter } from '../memory/admission.js';
import type { ZeroRanges } from '../unwritten/zero-ranges.js';
import type { WriteBack } from '../write-back/write-back.js';

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
 * One write: copied into the lines it touches, marked dirty, done. Never reads from the base [C4]. Where memory runs out, or too
 * much is dirty, it waits its turn and goes on where it stopped.
 */
export class WriteRequest implements Waiter {
  readonly kind = 'write';
  readonly #context: WriteContext;
  readonly #start: number;
  readonly #end: number;
  readonly #list: BufferList;
  #line: number;
  #waiting = false;
  #startMs = 0;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined;

  constructor(context: WriteContext, start: number, count: number, buffers: readonly Uint8Array[]) {
    this.#context = context;
    this.#start = start;
    this.#end = start + count;
    this.#list = new BufferList(buffers);
    this.#line = Math.floor(start / context.geometry.sectorsPerLine);
  }

  /** Begins. Undefined if everything went into memory at once. */
  run(): Promise<void> | undefined {
    const { admission, writeBack } = this.#context;
    if (this.advance()) return undefined;
    this.#waiting = true;
    this.#startMs = this.#context.clock.now();
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      admission.join(this);
      writeBack.pump();
    });
  }

  advance(): boolean {
    const { sectorsPerLine } = this.#context.geometry;
    while (this.#line * sectorsPerLine < this.#end) {
      const first = this.#line * sectorsPerLine;
      const from = Math.max(this.#start - first, 0);
      const to = Math.min(this.#end - first, sectorsPerLine);
      if (!this.#put(this.#line, from, to)) return false;
      this.#line++;
    }
    if (this.#settle === undefined) return true;
    const { clock, latencies } = this.#context;
    latencies.writeWait.add((clock.now() - this.#startMs) * 1000);
    this.#settle.resolve();
    return true;
  }

  fail(error: unknown): void {
    this.#settle?.reject(error);
  }

  /** Writes sectors `from` to `to` of a line. False if there is no memory for them now. */
  #put(line: number, from: number, to: number): boolean {
    const { geometry, lines, fetcher, zeroes, writeBack } = this.#context;
    const first = line * geometry.sectorsPerLine;
    const at = (first + from - this.#start) * geometry.sectorSize;
    // Before anything changes: a line is never half written.
    this.#list.check(at, (to - from) * geometry.sectorSize);
    const found = lines.find(line);
    if (!this.#mayDirty(found)) return false;
    const entry = found >= 0 ? found : this.#admit(line);
    if (entry < 0) return false;
    if (found >= 0) {
      if (this.#isLent(entry, from, to) && !this.#relocate(entry)) return false;
      lines.touch(entry);
    }
    lines.copyIn(entry, from, to, this.#list, at);
    lines.valid.set(entry, from, to);
    lines.dirty.set(entry, from, to);
    fetcher.supersede(entry, from, to);
    writeBack.writes.dirtied(entry, zeroes.epochIn(first + from, first + to));
    zeroes.remove(first + from, first + to);
    return true;
  }

  /** Rewriting what is dirty already needs no share of the limit. */
  #mayDirty(entry: number): boolean {
    const { lines, writeBack } = this.#context;
    if (entry >= 0 && (lines.dirty.any(entry) || writeBack.writes.isWriting(entry))) return true;
    return this.#isNext && writeBack.hasRoom;
  }

  #admit(line: number): number {
    return this.#isNext ? this.#context.lines.admit(line, false) : -1;
  }

  #relocate(entry: number): boolean {
    return this.#isNext && this.#context.lines.relocate(entry);
  }

  /** Whether nobody who came earlier waits for memory. */
  get #isNext(): boolean {
    return this.#waiting || !this.#context.admission.mustWait('write');
  }

  /** Whether the base is reading or writing these very bytes, or somebody has borrowed the line. */
  #isLent(entry: number, from: number, to: number): boolean {
    const { lines, lender, fetcher, writeBack } = this.#context;
    if (!lines.isLent(entry)) return false;
    return lender.hasLent(entry) || fetcher.isTarget(entry, from, to) || writeBack.writes.isSource(entry, from, to);
  }
}
