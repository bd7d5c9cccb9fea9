import { invariant } from '@blockyard/block';
import type { Backlog } from '../changes/backlog.js';
import { type Change, type LogRecord, lastNumberOf } from '../changes/change.js';
import { inRing, maxRecordBytesOf } from '../format/layout.js';
import type { ChainPlace } from '../format/superblock.js';
import type { Medium } from '../medium/medium.js';
import type { Superblocks } from '../medium/superblocks.js';
import { buildRecord, buildWrap, type Group, type RecordShape } from './build-record.js';

/** So much of the ring is free before an end that leaves what it can, for what still comes: it is not to wait until something is drained. */
const SPARED_SHARE = 0.25;
const SPARED_BYTES_MAX = 64 << 20;
/** Of what is free, and becomes free, while that is less: the rest is for those who write meanwhile. */
const SPARED_SHARE_OF_FREE = 0.5;

/** What the log asks of the rest when it makes a record. */
export interface LogContext {
  /** What the base knows the tier by, or will. */
  readonly attachmentId: () => string;
  readonly baseSizeSectors: () => number;
  /** That the base has after a crash, if it was not resized since it was flushed. */
  readonly durableSizeSectors: () => number;
  readonly wallMs: () => number;
  /** 32 random bits. */
  readonly random: () => number;
  /** A read of the medium is over that was in the way of what {@link Log.note} frees. */
  readonly onFreed: () => void;
}

/** A record that was being read from the medium when it was drained: until that is over, nothing may be written in its place. */
interface BeingRead {
  /** The place before it. */
  readonly before: ChainPlace;
  readonly over: Promise<unknown>;
}

/** A part of the ring that is to be free: so many bytes in the end, and so many when it began, with the tail there. */
interface Spared {
  readonly bytes: number;
  readonly firstBytes: number;
  readonly from: number;
}

/** The ring of records on the medium: what is appended to it, what of it is free, and where it begins. */
export class Log {
  readonly shape: RecordShape;
  readonly ringBytes: number;
  readonly #medium: Medium;
  readonly #superblocks: Superblocks;
  readonly #backlog: Backlog;
  readonly #context: LogContext;
  /** Where the next record goes. */
  #head: ChainPlace;
  /** The place behind the last record that is durable. */
  #durable: ChainPlace;
  /** The place behind the last record that is durable on the base. The superblock may say less. */
  #drained: ChainPlace;
  /** Of the records up to this one, the base may have some. */
  #drainingThrough: number;
  /** What records are put together in. */
  #scratch = new Uint8Array(0);
  #spared: Spared | undefined;
  /** In the order of the ring. */
  #beingRead: BeingRead[] = [];

  /** @param end where the chain that was found ends */
  constructor(medium: Medium, superblocks: Superblocks, backlog: Backlog, context: LogContext, end: ChainPlace) {
    const { unit, ringStart, ringEnd, baseSectorSize, tail, drainingThrough } = superblocks.current;
    this.#medium = medium;
    this.#superblocks = superblocks;
    this.#backlog = backlog;
    this.#context = context;
    this.ringBytes = ringEnd - ringStart;
    this.shape = { unit, baseSectorSize, maxRecordBytes: maxRecordBytesOf(this.ringBytes) };
    this.#head = end;
    this.#durable = end;
    this.#drained = tail;
    // Records behind the end do not count: the base may have been about to get them once.
    this.#drainingThrough = Math.min(drainingThrough, end.sequence);
  }

  /** Part of the ring that is taken by what is not drained. */
  get usedShare(): number {
    return (this.#head.at - this.#drained.at) / this.ringBytes;
  }

  /** The number of the last change of those that have to be drained so that no more than so much is taken. Undefined: none has to. */
  lastBefore(takenBytes: number): number | undefined {
    const end = this.#head.at;
    if (end - this.#drained.at <= takenBytes) return undefined;
    const last = this.#backlog.records.find(({ next }) => end - next.at <= takenBytes);
    return last && lastNumberOf(last);
  }

  /** Whether something is durable here of which no superblock says that it must be. Its loss could not be told from a torn end. */
  get isUnconfirmed(): boolean {
    return this.#durable.sequence > this.#superblocks.current.durableThrough;
  }

  /** The place before the first record that is not drained. */
  get drainedPlace(): ChainPlace {
    return this.#drained;
  }

  /** The last that was drained, in order. */
  get drainedThrough(): number {
    return this.#drained.sequence;
  }

  /** Whether the medium says of something up to there, which was drained, that it may have to be. */
  isUntidyThrough(sequence: number): boolean {
    return this.#superblocks.current.tail.sequence < sequence;
  }

  /** Whether {@link note} would say anything new. Of what is being read it would not. */
  get isNoteDue(): boolean {
    const { tail, drainingThrough } = this.#superblocks.current;
    return tail.sequence !== this.#free.sequence || drainingThrough > this.#drained.sequence;
  }

  hasRoom({ sizeBytes }: Group): boolean {
    const end = this.#head.at + this.#gapBefore(sizeBytes) + sizeBytes;
    return end - this.#superblocks.current.tail.at <= this.ringBytes - this.#sparedBytes;
  }

  /**
   * Spares some of the ring from now on, or no longer. Where less is free, a part of what is or becomes free is not taken: those who
   * write go on meanwhile, more slowly. Returns what may be taken in the end.
   */
  spare(isSpared: boolean): number {
    const { tail } = this.#superblocks.current;
    const bytes = Math.min(this.ringBytes * SPARED_SHARE, SPARED_BYTES_MAX);
    const freeBytes = this.ringBytes - (this.#head.at - tail.at);
    const firstBytes = Math.min(bytes, SPARED_SHARE_OF_FREE * freeBytes);
    this.#spared = isSpared ? { bytes, firstBytes, from: tail.at } : undefined;
    return this.ringBytes - (isSpared ? bytes : 0);
  }

  /** Whether the group does not fit in before the end of the ring. */
  needsWrap({ sizeBytes }: Group): boolean {
    return this.#gapBefore(sizeBytes) > 0;
  }

  /** Goes on at the beginning of the ring. */
  async wrap(): Promise<void> {
    const { at, sequence } = this.#head;
    const { bytes, check } = buildWrap(this.#headerFacts(), this.shape.unit);
    this.#head = { at: this.#lapEnd, sequence: sequence + 1, check };
    await this.#write(at, [bytes]);
  }

  /**
   * Makes a record of the group, which are the first open changes, and writes it. It is not durable yet, unless that is asked
   * for: then it is, where the medium can do both in one, and all before it is durable already.
   */
  async append(group: Group, { durably = false } = {}): Promise<void> {
    invariant(!this.needsWrap(group), 'a record ends before the ring does');
    const { at, sequence } = this.#head;
    const facts = this.#headerFacts();
    const { buffers, check, places } = buildRecord(group, facts, this.shape, (lengthBytes) =>
      this.#scratchOf(lengthBytes),
    );
    const { changes, sizeBytes } = group;
    const next = { at: at + sizeBytes, sequence: sequence + 1, check };
    const { attachmentId, baseSizeSectors } = facts;
    const owner = { attachmentId, baseSizeSectors };
    const record: LogRecord = { sequence: next.sequence, owner, at, next, changes, isInMemory: true, reads: new Set() };
    for (const [i, place] of places.entries()) (changes[i] as Change).place = { record, ...place };
    const write = durably && this.#durable === this.#head ? this.#medium.writeDurably : undefined;
    this.#backlog.log(record);
    this.#head = next;
    await this.#write(at, buffers, write);
    if (write === undefined) return;
    if (next.sequence > this.#durable.sequence) this.#durable = next;
    this.#backlog.durable.reach(lastNumberOf(record));
  }

  /** Makes durable what was appended before the call. Nothing may be appended meanwhile. */
  async flush(): Promise<void> {
    const head = this.#head;
    const last = this.#backlog.records.at(-1);
    await this.#medium.flush();
    if (head.sequence > this.#durable.sequence) this.#durable = head;
    if (last !== undefined) this.#backlog.durable.reach(lastNumberOf(last));
  }

  /** The base is about to get the records up to this one. That must be noted before it does. */
  draining(through: LogRecord | undefined): void {
    this.#drainingThrough = through?.sequence ?? this.#drained.sequence;
  }

  /**
   * Says on the medium, durably, what is being drained, and what is drained. That frees its place in the ring, up to the first
   * record that is being read.
   */
  note(change: { readonly baseSizeSectors?: number } = {}): Promise<void> {
    return this.#superblocks.write(() => ({ ...change, ...this.#facts }));
  }

  /** Says on the medium, durably, what is durable there, and frees nothing. */
  confirm(): Promise<void> {
    return this.#superblocks.write(() => ({ durableThrough: this.#durable.sequence }));
  }

  /** The same at an end: nothing is appended from now on, so that the next opening need not look for more. */
  leave(): Promise<void> {
    return this.#superblocks.write(() => ({
      durableThrough: this.#durable.sequence,
      leftThrough: this.#durable === this.#head ? this.#head.sequence : 0,
    }));
  }

  /** The first records are durable on the base. Their place is free once that is noted. */
  drained(records: readonly LogRecord[]): void {
    for (const { reads, next } of records) {
      if (reads.size > 0) this.#keepWhile(reads, this.#drained);
      this.#drained = next;
    }
    this.#drainingThrough = this.#drained.sequence;
  }

  /** Says on the medium which attachment its records rely on. */
  attach(attachmentId: string): Promise<void> {
    return this.#superblocks.write(() => ({ attachmentId }));
  }

  /**
   * The medium is to be trusted again after a failure, as far as it was durable then: what was on its way is not, and records
   * go on from there.
   */
  async resume(): Promise<void> {
    await this.readsOver();
    await this.#superblocks.writeBoth(() => ({ ...this.#facts, run: this.#superblocks.current.run + 1 }));
    this.#head = this.#durable;
  }

  /** Nothing that is in the ring counts any longer, whether it is known of or not. All that was durable in it must be drained. */
  async reset(attachmentId: string): Promise<void> {
    await this.readsOver();
    const { at, sequence } = this.#head;
    const { unit } = this.shape;
    // Greater than that of any record that the ring may have.
    const place = { at, sequence: sequence + this.ringBytes / unit, check: this.#context.random() };
    await this.#superblocks.writeBoth(() => ({
      run: this.#superblocks.current.run + 1,
      tail: place,
      durableThrough: place.sequence,
      drainingThrough: place.sequence,
      baseSizeSectors: this.#context.durableSizeSectors(),
      attachmentId,
    }));
    this.#head = place;
    this.#durable = place;
    this.#drained = place;
    this.#drainingThrough = place.sequence;
  }

  /** Resolves when nothing is read any longer that was drained before the call. No read takes longer than the medium may. */
  async readsOver(): Promise<void> {
    await Promise.all(this.#beingRead.map(({ over }) => over));
  }

  #keepWhile(reads: Iterable<Promise<unknown>>, before: ChainPlace): void {
    const over = Promise.allSettled(reads).then(() => {
      this.#beingRead.splice(this.#beingRead.indexOf(entry), 1);
      this.#context.onFreed();
    });
    const entry: BeingRead = { before, over };
    this.#beingRead.push(entry);
  }

  /** The place behind the last record that is drained and, with all before, is not being read. */
  get #free(): ChainPlace {
    return this.#beingRead[0]?.before ?? this.#drained;
  }

  get #sparedBytes(): number {
    if (this.#spared === undefined) return 0;
    const { bytes, firstBytes, from } = this.#spared;
    return Math.min(bytes, firstBytes + SPARED_SHARE_OF_FREE * (this.#superblocks.current.tail.at - from));
  }

  /** What superblocks say of the ring. */
  get #facts() {
    return {
      tail: this.#free,
      durableThrough: this.#durable.sequence,
      drainingThrough: Math.max(this.#drainingThrough, this.#drained.sequence),
    };
  }

  #headerFacts() {
    const { tierId, run } = this.#superblocks.current;
    return {
      tierId,
      run,
      sequence: this.#head.sequence + 1,
      flushed: this.#durable.sequence,
      attachmentId: this.#context.attachmentId(),
      baseSizeSectors: this.#context.baseSizeSectors(),
      before: this.#head.check,
      writtenAtMs: this.#context.wallMs(),
    };
  }

  /** One record at a time is on its way. */
  #scratchOf(lengthBytes: number): Uint8Array {
    if (this.#scratch.byteLength < lengthBytes) this.#scratch = new Uint8Array(lengthBytes);
    return this.#scratch.subarray(0, lengthBytes);
  }

  async #write(
    at: number,
    buffers: readonly Uint8Array[],
    write = (to: number, from: readonly Uint8Array[]) => this.#medium.write(to, from),
  ): Promise<void> {
    try {
      await write(inRing(this.#superblocks.current, at), buffers);
    } catch (error) {
      // A medium that hangs may still be reading it.
      this.#scratch = new Uint8Array(0);
      throw error;
    }
  }

  /** What is left of the lap where a record does not fit in before its end. */
  #gapBefore(sizeBytes: number): number {
    return this.#head.at + sizeBytes > this.#lapEnd ? this.#lapEnd - this.#head.at : 0;
  }

  get #lapEnd(): number {
    const { ringStart } = this.#superblocks.current;
    return ringStart + (Math.floor((this.#head.at - ringStart) / this.ringBytes) + 1) * this.ringBytes;
  }
}
