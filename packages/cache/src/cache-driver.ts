import {
  type BlockDevice,
  type BlockDriver,
  BlockError,
  type DisconnectOptions,
  type Extent,
  type Loan,
  type LostSignal,
  type MaybePromise,
  type SectorRange,
} from '@blockyard/block';
import type { Engine } from './engine.js';
import { touchPages } from './lines/touch-pages.js';
import { overlayExtents } from './report/extents.js';
import { ReadRequest } from './requests/read-request.js';
import { WriteRequest } from './requests/write-request.js';
import { truncateLines, ZeroRequest } from './requests/zero-request.js';

/** A range of more lines than this is flushed by flushing everything. */
const RANGE_LINES_MAX = 4096;

/** The cache as a driver: what each operation of the contract means for the rooms of the engine. */
export class CacheDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly readOnly: boolean;
  readonly preferredIoBytes: number;
  readonly lost: LostSignal | undefined;
  /** Copies into and out of memory are of one turn, and the base tears no sector either. */
  readonly atomicSectors = true;
  readonly extents?: (start: number, count: number) => Promise<Extent[]>;
  readonly #base: BlockDevice;
  readonly #engine: Engine;
  readonly #sectorsPerLine: number;

  constructor(base: BlockDevice, engine: Engine) {
    this.#base = base;
    this.#engine = engine;
    this.#sectorsPerLine = engine.geometry.sectorsPerLine;
    this.name = `cache(${base.info.name})`;
    this.sectorSize = base.info.sectorSize;
    this.readOnly = base.info.readOnly;
    this.preferredIoBytes = base.info.preferredIoBytes;
    this.lost = base.lost;
    if (base.info.native.extents) this.extents = (start, count) => overlayExtents(engine, start, count);
  }

  get sizeSectors(): number {
    return this.#engine.deviceSectors;
  }

  read(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    const engine = this.#engine;
    if (buffers.length === 1 && this.#readFromLine(start, buffers[0])) return;
    const count = sectorsIn(buffers, this.sectorSize);
    engine.base.check();
    const done = new ReadRequest(engine, start, count, buffers).run();
    this.#observe('observe', start, count);
    engine.writeBack.pump();
    return done;
  }

  lend(start: number, count: number): Loan | undefined {
    const { counts, geometry, lender } = this.#engine;
    const loan = lender.lend(start, count);
    if (loan === undefined) return undefined;
    counts.lookups += loan.views.length;
    counts.hits += loan.views.length;
    this.#observe(count >= geometry.sectorsPerLine ? 'follow' : 'observe', start, count);
    return loan;
  }

  write(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    const engine = this.#engine;
    if (buffers.length === 1 && !engine.isWriteThrough && this.#writeToLine(start, buffers[0])) return;
    engine.base.check();
    const count = sectorsIn(buffers, this.sectorSize);
    const done = new WriteRequest(engine, start, count, buffers).run();
    if (engine.isWriteThrough) return this.#writeThrough(start, count, done);
    engine.writeBack.pump();
    return done;
  }

  discard(start: number, count: number): MaybePromise<void> {
    return this.#zero('discard', start, count);
  }

  writeZeroes(start: number, count: number): MaybePromise<void> {
    return this.#zero('writeZeroes', start, count);
  }

  async flush(range?: SectorRange): Promise<void> {
    const { base, writeBack } = this.#engine;
    if (range === undefined) return writeBack.flush();
    await this.#rangeWritten(range.start, range.count);
    await base.flush(range);
  }

  async resize(sizeSectors: number): Promise<void> {
    const engine = this.#engine;
    const before = engine.deviceSectors;
    await engine.pause();
    try {
      await engine.base.resize(sizeSectors);
      engine.base.check();
      engine.setDeviceSectors(sizeSectors);
      if (sizeSectors < before) truncateLines(engine, sizeSectors, before);
    } finally {
      engine.resume();
    }
  }

  async disconnect({ force = false }: DisconnectOptions): Promise<void> {
    const engine = this.#engine;
    if (force) {
      engine.end(new BlockError('DISCONNECTED', 'the device was disconnected by force'));
      await this.#base.disconnect({ force });
      return;
    }
    await engine.pause();
    engine.base.check();
    try {
      await this.#base.disconnect();
    } catch (error) {
      engine.resume();
      throw error;
    }
    engine.end(new BlockError('DISCONNECTED', 'the device was disconnected'));
  }

  /** The short way: one buffer, one line, all of it in memory. */
  #readFromLine(start: number, buffer: Uint8Array): boolean {
    const { lines, counts, geometry } = this.#engine;
    const line = Math.floor(start / this.#sectorsPerLine);
    const from = start - line * this.#sectorsPerLine;
    const to = from + buffer.byteLength / geometry.sectorSize;
    if (to > this.#sectorsPerLine) return false;
    const entry = lines.find(line);
    if (entry < 0 || !lines.valid.covers(entry, from, to)) return false;
    const bytes = lines.view(lines.slotOf(entry), from, to);
    touchPages(bytes);
    buffer.set(bytes);
    lines.touch(entry);
    counts.lookups++;
    counts.hits++;
    if (to === this.#sectorsPerLine || from === 0) this.#observeHit(start, from, to);
    return true;
  }

  /**
   * A sequential reader passes the ends of lines; what stays within one tells nothing. The last part of a line may begin a stream
   * that the next line's miss goes on with; a line read whole need not, since then its own miss would have.
   */
  #observeHit(start: number, from: number, to: number): void {
    const { prefetcher } = this.#engine;
    if (from > 0) prefetcher.observe(start, to - from);
    else prefetcher.follow(start, to - from);
  }

  /** Reads on, if that is due. What goes wrong in doing so is not for the request to tell. */
  #observe(how: 'observe' | 'follow', start: number, count: number): void {
    try {
      this.#engine.prefetcher[how](start, count);
    } catch (error) {
      this.#engine.broke(error);
    }
  }

  /** The short way: one buffer, one line that is dirty already and that no call of the base is about. */
  #writeToLine(start: number, buffer: Uint8Array): boolean {
    const { lines, dirtyLines, zeroes, geometry } = this.#engine;
    const line = Math.floor(start / this.#sectorsPerLine);
    const from = start - line * this.#sectorsPerLine;
    const to = from + buffer.byteLength / geometry.sectorSize;
    if (to > this.#sectorsPerLine || !zeroes.isEmpty) return false;
    const entry = lines.find(line);
    if (entry < 0 || !dirtyLines.has(entry) || lines.hasLoans(entry)) return false;
    lines.view(lines.slotOf(entry), from, to).set(buffer);
    lines.valid.set(entry, from, to);
    lines.dirty.set(entry, from, to);
    lines.touch(entry);
    return true;
  }

  async #writeThrough(start: number, count: number, done: Promise<void> | undefined): Promise<void> {
    await done;
    await this.#rangeWritten(start, count);
  }

  #rangeWritten(start: number, count: number): Promise<void> {
    const { writeBack } = this.#engine;
    if (count > RANGE_LINES_MAX * this.#sectorsPerLine) return writeBack.written();
    return writeBack.rangeWritten(start, start + count);
  }

  #zero(kind: 'discard' | 'writeZeroes', start: number, count: number): MaybePromise<void> {
    const engine = this.#engine;
    engine.base.check();
    const done = new ZeroRequest(engine, kind, start, count).run();
    if (!engine.isWriteThrough) return done;
    return (async () => {
      await done;
      await engine.writeBack.written();
    })();
  }
}

function sectorsIn(buffers: readonly Uint8Array[], sectorSize: number): number {
  let bytes = 0;
  for (const buffer of buffers) bytes += buffer.byteLength;
  return bytes / sectorSize;
}
