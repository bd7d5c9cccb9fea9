import { invariant } from '@blockyard/block';
import type { ChangeKind } from '../format/record.js';
import { CHANGE_OVERHEAD_BYTES, Change, type LogRecord, lastNumberOf } from './change.js';
import { IntervalMap } from './interval-map.js';
import { Milestone } from './milestone.js';
import { Signal } from './signal.js';

/** What is to become a change. */
export interface NewChange {
  readonly kind: ChangeKind;
  readonly start: number;
  readonly count: number;
  /** It belongs to the backlog from now on. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * All that the base does not have for sure, in its order: first what has a record in the log, then what has none. It knows which
 * change each sector was last changed by, and what all of it takes in memory.
 */
export class Backlog {
  /** By sector of the base: the last change of it. */
  readonly map: IntervalMap<Change>;
  /** The records, oldest first. */
  records: LogRecord[];
  /** Changes that have no record, oldest first. */
  open: Change[] = [];
  /** The last change whose record, and all before it, are durable on the medium. */
  readonly durable: Milestone;
  /** The last change that, with all before it, is durable on the base. */
  readonly drained: Milestone;
  /** Memory has become free, or less of it waits to be logged. */
  readonly freed = new Signal();
  readonly #maxMemoryBytes: number;
  #accepted = 0;
  #memoryBytes = 0;
  /** Changes that are neither in records nor open, but on their way to the base. */
  #taken: readonly Change[] = [];
  #undrainedBytes = 0;
  /** The first record that is in memory. */
  #firstInMemory = 0;

  constructor(maxMemoryBytes: number, before?: Pick<Backlog, 'map' | 'records' | 'durable' | 'drained'>) {
    this.#maxMemoryBytes = maxMemoryBytes;
    this.map = before?.map ?? new IntervalMap();
    this.records = before?.records ?? [];
    this.durable = new Milestone(before?.durable.value);
    this.drained = new Milestone(before?.drained.value);
  }

  /** Number of the change that was accepted last. */
  get accepted(): number {
    return this.#accepted;
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Data that are not drained. */
  get undrainedBytes(): number {
    return this.#undrainedBytes;
  }

  get isEmpty(): boolean {
    return this.#accepted === this.drained.value;
  }

  /** The oldest change that is not drained. */
  get oldest(): Change | undefined {
    return this.#taken[0] ?? this.records[0]?.changes[0] ?? this.open[0];
  }

  /** Records at the front that are durable. */
  get durableRecords(): number {
    const { value } = this.durable;
    // They are few, or the last one is durable as a rule.
    let count = this.records.length;
    while (count > 0 && lastNumberOf(this.records[count - 1] as LogRecord) > value) count--;
    return count;
  }

  /** Part of the memory that is taken. */
  get memoryShare(): number {
    return this.#memoryBytes / this.#maxMemoryBytes;
  }

  /** Part of the memory that is taken by what is known of changes, wherever their data are. */
  get overheadShare(): number {
    return ((this.#accepted - this.drained.value) * CHANGE_OVERHEAD_BYTES) / this.#maxMemoryBytes;
  }

  /** Whether there is room for so many bytes, now that what may leave memory has left it. A first change has room, always. */
  hasRoom(lengthBytes: number, mayLeave: boolean): boolean {
    const needed = lengthBytes + CHANGE_OVERHEAD_BYTES;
    if (mayLeave) this.leaveMemory(needed);
    return this.#memoryBytes === 0 || this.#memoryBytes + needed <= this.#maxMemoryBytes;
  }

  /** Takes records out of memory, oldest first, until so much fits, as far as they are durable on the medium. */
  leaveMemory(neededBytes: number): void {
    const { value } = this.durable;
    while (this.#memoryBytes + neededBytes > this.#maxMemoryBytes) {
      const record = this.records[this.#firstInMemory];
      if (record === undefined || lastNumberOf(record) > value) return;
      this.#firstInMemory++;
      this.#forget(record);
    }
  }

  accept(change: NewChange, nowMs: number): Change {
    this.#accepted++;
    const accepted = new Change({ ...change, number: this.#accepted, acceptedAtMs: nowMs });
    const { dataBytes } = accepted;
    this.open.push(accepted);
    this.map.set(accepted.start, accepted.end, accepted);
    this.#memoryBytes += dataBytes + CHANGE_OVERHEAD_BYTES;
    this.#undrainedBytes += dataBytes;
    return accepted;
  }

  /** The first open changes have become a record. */
  log(record: LogRecord): void {
    invariant(record.changes[0] === this.open[0], 'a record has the open changes that came first');
    this.open.splice(0, record.changes.length);
    this.records.push(record);
    this.freed.notify();
  }

  /** A record that was found on the medium, with changes that were numbered by {@link nextNumber}. */
  adopt(record: LogRecord): void {
    this.records.push(record);
    for (const change of record.changes) {
      this.map.set(change.start, change.end, change);
      this.#memoryBytes += CHANGE_OVERHEAD_BYTES;
    }
    const dataBytes = dataBytesOf(record.changes);
    this.#undrainedBytes += dataBytes;
    this.#memoryBytes += dataBytes;
    this.durable.reach(this.#accepted);
    this.leaveMemory(0);
  }

  nextNumber(): number {
    this.#accepted++;
    return this.#accepted;
  }

  /** The records that are not durable are records no longer: their changes are open again. */
  unlog(): void {
    const lost = this.records.splice(this.durableRecords);
    for (const { changes } of lost) for (const change of changes) change.place = undefined;
    this.open.unshift(...lost.flatMap(({ changes }) => changes));
    this.#firstInMemory = Math.min(this.#firstInMemory, this.records.length);
  }

  /** The first open changes, which go to the base without a record. They count as drained once {@link settle} says so. */
  take(count: number): readonly Change[] {
    this.#taken = this.open.splice(0, count);
    return this.#taken;
  }

  /** All of it for another opening of the log, where all of it has a record. This one is of no use from then on. */
  passOn(maxMemoryBytes: number): Backlog {
    invariant(this.open.length === 0 && this.#taken.length === 0, 'what is passed on has a record');
    const next = new Backlog(maxMemoryBytes, this);
    next.#accepted = this.#accepted;
    next.#memoryBytes = this.#memoryBytes;
    next.#undrainedBytes = this.#undrainedBytes;
    next.#firstInMemory = this.#firstInMemory;
    next.leaveMemory(0);
    return next;
  }

  /** The first records, or what was taken, are durable on the base. */
  settle(changes: readonly Change[], records: number): void {
    for (const record of this.records.splice(0, records)) if (record.isInMemory) this.#forget(record);
    this.#firstInMemory = Math.max(0, this.#firstInMemory - records);
    for (const change of changes) {
      this.map.delete(change.start, change.end, change);
      this.#memoryBytes -= CHANGE_OVERHEAD_BYTES + (change.bytes?.byteLength ?? 0);
      this.#undrainedBytes -= change.dataBytes;
      change.bytes = undefined;
    }
    this.#taken = [];
    const last = changes.at(-1)?.number ?? 0;
    this.durable.reach(last);
    this.drained.reach(last);
    this.freed.notify();
  }

  #forget(record: LogRecord): void {
    this.#memoryBytes -= dataBytesOf(record.changes);
    record.isInMemory = false;
    for (const change of record.changes) change.bytes = undefined;
    this.freed.notify();
  }
}

function dataBytesOf(changes: readonly Change[]): number {
  return changes.reduce((sum, { dataBytes }) => sum + dataBytes, 0);
}
