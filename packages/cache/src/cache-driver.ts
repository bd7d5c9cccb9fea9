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
import type { Sector } from './tables/numbers.js';

/** A range of more lines than this is flushed by flushing everything. */
const RANGE_LINES_MAX = 4096;

/** The cache as a driver: what each operation of the contract means for the parts of the engine. */
export class CacheDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly readOnly: boolean;
  readonly preferredIoBytes: number;
  readonly lost: LostSignal | undefined;
  /** Copies into and out of memory are not interrupted, and the base tears no sector either. */
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
    if (base.info.native.extents) this.extents = (start, count) => overlayExtents(engine, start as Sector, count);
  }

  get sizeSectors(): number {
    return this.#engine.deviceSectors;
  }

  read(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    const engine = this.#engine;
    const sector = start as Sector;
    const buffer = buffers[0];
    if (buffer !== undefined && buffers.length === 1 && this.#readFromLine(sector, buffer)) return;
    const count = sectorsIn(buffers, this.sectorSize);
    engine.base.check();
    const done = new ReadRequest(engine, sector, count, buffers).run();
    this.#observe('observe', sector, count);
    engine.writeBack.pump();
    return done;
  }

  lend(start: number, count: number): Loan | undefined {
    const { counts, geometry, lender } = this.#engine;
    const sector = start as Sector;
    const loan = lender.lend(sector, count);
    if (loan === undefined) return undefined;
    counts.lookups += loan.views.length;
    counts.hits += loan.views.length;
    this.#observe(count >= geometry.sectorsPerLine ? 'follow' : 'observe', sector, count);
    return loan;
  }

  write(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    const engine = this.#engine;
    const sector = start as Sector;
    const buffer = buffers[0];
    const isSimple = buffer !== undefined && buffers.length === 1 && !engine.isWriteThrough;
    if (isSimple && this.#writeToLine(sector, buffer)) return;
    engine.base.check();
    const count = sectorsIn(buffers, this.sectorSize);
    const done = new WriteRequest(engine, sector, count, buffers).run();
    if (engine.isWriteThrough) return this.#writeThrough(sector, count, done);
    engine.writeBack.pump();
    return done;
  }

  discard(start: number, count: number): MaybePromise<void> {
    return this.#zero('discard', start as Sector, count);
  }

  writeZeroes(start: number, count: number): MaybePromise<void> {
    return this.#zero('writeZeroes', start as Sector, count);
  }

  async flush(range?: SectorRange): Promise<void> {
    const { base, writeBack } = this.#engine;
    if (range === undefined) return writeBack.flush();
    await this.#rangeWritten(range.start as Sector, range.count);
    await base.flush(range);
  }

  async resize(sizeSectors: number): Promise<void> {
    const engine = this.#engine;
    const before = engine.deviceSectors;
    await engine.pause();
    try {
      await engine.base.resize(sizeSectors);
      engine.base.check();
      engine.setDeviceSectors(sizeSectors as Sector);
      if (sizeSectors < before) truncateLines(engine, sizeSectors as Sector, before);
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
  #readFromLine(start: Sector, buffer: Uint8Array): boolean {
    const { lines, counts, geometry } = this.#engine;
    const line = geometry.lineOf(start);
    const from = start - geometry.sectorOf(line, 0);
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
   * A sequential reader passes the ends of lines; what stays within one tells nothing. The last part of a line may begin a
   * stream that the next line's miss goes on with; a line read whole need not, since then its own miss would have.
   */
  #observeHit(start: Sector, from: number, to: number): void {
    const { prefetcher } = this.#engine;
    if (from > 0) prefetcher.observe(start, to - from);
    else prefetcher.follow(start, to);
  }

  /** Reads on, if that is due. What goes wrong in doing so is not for the request to tell. */
  #observe(how: 'observe' | 'follow', start: Sector, count: number): void {
    try {
      this.#engine.prefetcher[how](start, count);
    } catch (error) {
      this.#engine.broke(error);
    }
  }

  /** The short way: one buffer, one line that is dirty already and that no call of the base is about. */
  #writeToLine(start: Sector, buffer: Uint8Array): boolean {
    const { lines, dirtyLines, zeroes, geometry } = this.#engine;
    const line = geometry.lineOf(start);
    const from = start - geometry.sectorOf(line, 0);
    const to = from + buffer.byteLength / geometry.sectorSize;
    if (to > this.#sectorsPerLine || !zeroes.isEmpty) return false;
    const entry = lines.find(line);
    if (entry < 0 || !dirtyLines.has(entry) || lines.hasPins(entry)) return false;
    lines.view(lines.slotOf(entry), from, to).set(buffer);
    lines.valid.set(entry, from, to);
    lines.dirty.set(entry, from, to);
    lines.touch(entry);
    return true;
  }

  async #writeThrough(start: Sector, count: number, done: Promise<void> | undefined): Promise<void> {
    await done;
    await this.#rangeWritten(start, count);
  }

  #rangeWritten(start: Sector, count: number): Promise<void> {
    const { writeBack } = this.#engine;
    if (count > RANGE_LINES_MAX * this.#sectorsPerLine) return writeBack.written();
    return writeBack.rangeWritten(start, (start + count) as Sector);
  }

  #zero(kind: 'discard' | 'writeZeroes', start: Sector, count: number): MaybePromise<void> {
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
