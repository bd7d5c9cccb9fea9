import { BlockError, type Clock, type MaybePromise } from '@blockyard/block';
import { BufferCursor } from '@blockyard/block/async';
import type { ObjectStore } from '@blockyard/object-store';
import { type DataName, dataKey, NUMBER_MAX, numberOf, objectIdOf } from '../format/keys.js';
import type { Sealing } from '../format/sealing.js';
import { HEAD_BYTES, type SegmentIndex, slotBytesOf } from '../format/segment.js';
import { maxSlotsOf, TAIL_BYTES } from '../format/segment-size.js';
import { sealSegment } from './seal.js';
import { Segment } from './segment.js';
import { UploadQueue } from './upload-queue.js';

export interface LogWriterOptions {
  readonly sectorSize: number;
  readonly segmentSizeBytes: number;
  /** Segments that are sealed and not yet in the map. Beyond that, writers wait. */
  readonly maxInFlightSegments: number;
  /** Longest that a change stays in the open segment without a flush. */
  readonly maxOpenAgeMs: number;
}

export interface LogWriterParts extends LogWriterOptions {
  readonly store: Pick<ObjectStore, 'put' | 'urlOf'>;
  readonly prefix: string;
  readonly volumeId: string;
  readonly epoch: number;
  /** Tells this opening of the volume from all others. */
  readonly opening: string;
  /** Number of the first segment. */
  readonly firstNumber: number;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly wallMs: () => number;
  /** A segment is durable, and so are all before it. Called in their order, never while the map is held. */
  readonly onDurable: (sealed: DurableSegment) => void;
  /** Another writer has the log. Returns what to fail with. */
  readonly onTaken: (url: string) => BlockError;
}

/** A segment that is stored, and what it changes. */
export interface DurableSegment {
  readonly segment: Segment;
  readonly index: SegmentIndex;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly sealedMs: number;
}

/**
 * The end of the log: takes changes into the open segment, seals it when it is full, old, or to be flushed, and stores it.
 *
 * Numbers are given here and nowhere else, to one segment after the other.
 */
export class LogWriter {
  readonly #parts: LogWriterParts;
  readonly #maxSlots: number;
  readonly #uploads: UploadQueue<DurableSegment>;
  /** Sealed segments whose changes are not in the map, in order. */
  #sealed: Segment[] = [];
  #open: Segment | undefined;
  /** The segments that are not durable, in order, with when each was opened, for its first change. */
  readonly #openedMs = new Map<Segment, number>();
  #nextNumber: number;
  #durableSectors = 0;
  /** Durable, but not in the map since that is held. */
  #unapplied: { readonly sealed: DurableSegment; readonly isLate: boolean }[] = [];
  #holds = 0;
  #ageTimer: unknown;
  #sealingSoon: Promise<void> | undefined;
  #room: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  #freeBuffers: Uint8Array[] = [];
  #stopped: BlockError | undefined;

  constructor(parts: LogWriterParts) {
    this.#parts = parts;
    const { sectorSize, segmentSizeBytes, store, clock } = parts;
    this.#maxSlots = maxSlotsOf(segmentSizeBytes, sectorSize);
    this.#nextNumber = parts.firstNumber;
    this.#uploads = new UploadQueue({
      store,
      clock,
      onDurable: ({ content }, isLate) => this.#durable(content, isLate),
      onTaken: ({ key }) => this.#taken(key),
      onFailed: (error) => this.#rejectRoom(error),
    });
  }

  /** Segments whose changes are not in the map, the newest first. */
  *unapplied(): Generator<Segment> {
    if (this.#open !== undefined) yield this.#open;
    for (let at = this.#sealed.length - 1; at >= 0; at--) yield this.#sealed[at] as Segment;
  }

  /** Number that the next segment to be opened gets. */
  get nextNumber(): number {
    return this.#open === undefined ? this.#nextNumber : this.#nextNumber - 1;
  }

  /** Bytes of segments in memory, with spare ones. */
  get byteLength(): number {
    const segments = this.#sealed.length + (this.#open === undefined ? 0 : 1) + this.#freeBuffers.length;
    return segments * this.#bufferBytes;
  }

  /** Bytes of data that are accepted and not durable. */
  get unflushedBytes(): number {
    let sectors = 0;
    for (const segment of this.#openedMs.keys()) sectors += segment.dataSectors;
    return sectors * this.#parts.sectorSize;
  }

  /** Bytes of data that were accepted and have become durable. */
  get durableBytes(): number {
    return this.#durableSectors * this.#parts.sectorSize;
  }

  /** For how long the oldest change has waited that is accepted and not durable; undefined if there is none. */
  get oldestUnflushedMs(): number | undefined {
    for (const openedMs of this.#openedMs.values()) return Math.max(0, this.#parts.clock.now() - openedMs);
    return undefined;
  }

  get hasUnflushed(): boolean {
    return this.#open !== undefined || this.#uploads.length > 0;
  }

  /** Copies the buffers into the log. */
  write(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    const source = new BufferCursor(buffers);
    const rest = this.#fill(start, source);
    return rest === undefined ? undefined : this.#writeRest(rest, source);
  }

  /** The range reads as zeroes. */
  zero(start: number, count: number): MaybePromise<void> {
    const segment = this.#segmentNow();
    if (segment === undefined) return this.#whenRoom().then(() => this.zero(start, count));
    segment.zero(start, count);
    return undefined;
  }

  /** The size changes; it went down to `lowestSectors` on the way. */
  resize(sizeSectors: number, lowestSectors: number): MaybePromise<void> {
    const segment = this.#segmentNow();
    if (segment === undefined) return this.#whenRoom().then(() => this.resize(sizeSectors, lowestSectors));
    segment.resize(sizeSectors, lowestSectors);
    return undefined;
  }

  /** Resolves when all that was accepted before the call is durable. */
  async flush(): Promise<void> {
    if (this.#open !== undefined && this.#stopped === undefined) {
      this.#sealingSoon ??= this.#sealSoon();
      await this.#sealingSoon;
    }
    // Perhaps only since this call began: then what is open was not sealed.
    if (this.#stopped !== undefined && this.hasUnflushed) throw this.#stopped;
    await this.#uploads.waitFor(this.#uploads.lastNumber);
  }

  /** Seals what is open, and says up to which number all segments are sealed. */
  seal(): number {
    this.#seal();
    return this.#nextNumber - 1;
  }

  /** Until `release`, no segment's changes go into the map. */
  hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
      if (this.#holds > 0) return;
      const unapplied = this.#unapplied;
      this.#unapplied = [];
      for (const { sealed, isLate } of unapplied) this.#apply(sealed, isLate);
    };
  }

  /** Sends nothing more. What is not durable is lost; reads of it go on. */
  stop(error: BlockError): void {
    this.#stopped ??= error;
    this.#clearAge();
    this.#uploads.stop(this.#stopped);
    this.#rejectRoom(this.#stopped);
  }

  async #writeRest(start: number, source: BufferCursor): Promise<void> {
    for (let rest: number | undefined = start; rest !== undefined; rest = this.#fill(rest, source)) {
      await this.#whenRoom();
    }
  }

  /** Writes as much as there is room for. Returns the sector that it stopped at, or undefined if all is written. */
  #fill(start: number, source: BufferCursor): number | undefined {
    let sector = start;
    while (source.leftBytes > 0) {
      const segment = this.#segmentNow();
      if (segment === undefined) return sector;
      sector += segment.write(sector, source);
    }
    if (this.#open?.isFull === true) this.#seal();
    return undefined;
  }

  /** The open segment, with room in it; a new one where that is allowed. */
  #segmentNow(): Segment | undefined {
    if (this.#stopped !== undefined) throw this.#stopped;
    if (this.#open?.isFull === true) this.#seal();
    if (this.#open !== undefined) return this.#open;
    if (!this.#hasRoom) return undefined;
    const { sectorSize, epoch, clock, maxOpenAgeMs } = this.#parts;
    if (this.#nextNumber > NUMBER_MAX) throw new BlockError('NO_SPACE', 'the log has no numbers left');
    const name: DataName = { object: objectIdOf('log', this.#nextNumber++), epoch };
    const buffer = this.#freeBuffers.pop() ?? new Uint8Array(this.#bufferBytes);
    this.#open = new Segment({ name, sectorSize, maxSlots: this.#maxSlots }, buffer);
    this.#openedMs.set(this.#open, clock.now());
    this.#ageTimer = clock.set(() => this.#seal(), maxOpenAgeMs);
    return this.#open;
  }

  get #hasRoom(): boolean {
    return this.#sealed.length < this.#parts.maxInFlightSegments;
  }

  get #bufferBytes(): number {
    return HEAD_BYTES + this.#maxSlots * slotBytesOf(this.#parts.sectorSize) + TAIL_BYTES;
  }

  /** Lets flushes of the same moment, and the writes before them, share a segment. */
  async #sealSoon(): Promise<void> {
    const { clock } = this.#parts;
    await new Promise<void>((resolve) => (clock.macrotask === undefined ? resolve() : clock.macrotask(resolve)));
    this.#sealingSoon = undefined;
    this.#seal();
  }

  #seal(): void {
    const segment = this.#open;
    if (segment === undefined || this.#stopped !== undefined) return;
    this.#clearAge();
    this.#open = undefined;
    this.#sealed.push(segment);
    const { prefix, volumeId, epoch, opening, sealing, wallMs } = this.#parts;
    const sealedMs = wallMs();
    const { body, ready, index } = sealSegment(segment, volumeId, sealing, sealedMs);
    this.#uploads.push({
      key: dataKey(prefix, segment.name),
      body,
      ready,
      stamp: `${volumeId}/${epoch}/${opening}/${numberOf(segment.name.object)}`,
      content: { segment, index, sizeBytes: body.byteLength, sealedMs },
    });
  }

  #durable(sealed: DurableSegment, isLate: boolean): void {
    this.#openedMs.delete(sealed.segment);
    this.#durableSectors += sealed.segment.dataSectors;
    if (this.#holds > 0) this.#unapplied.push({ sealed, isLate });
    else this.#apply(sealed, isLate);
  }

  #apply(sealed: DurableSegment, isLate: boolean): void {
    this.#parts.onDurable(sealed);
    this.#sealed.shift();
    // An attempt that was not answered may still send what is in the memory.
    if (!isLate && this.#freeBuffers.length < this.#parts.maxInFlightSegments)
      this.#freeBuffers.push(sealed.segment.buffer);
    const waiting = this.#room;
    this.#room = [];
    for (const { resolve } of waiting) resolve();
  }

  #taken(key: string): BlockError {
    const error = this.#parts.onTaken(this.#parts.store.urlOf(key));
    this.stop(error);
    return error;
  }

  #whenRoom(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    return new Promise((resolve, reject) => this.#room.push({ resolve, reject }));
  }

  #rejectRoom(error: unknown): void {
    const waiting = this.#room;
    this.#room = [];
    for (const { reject } of waiting) reject(error);
  }

  #clearAge(): void {
    if (this.#ageTimer !== undefined) this.#parts.clock.clear(this.#ageTimer);
    this.#ageTimer = undefined;
  }
}
