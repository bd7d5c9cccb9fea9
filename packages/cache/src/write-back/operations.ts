import { type BlockError, type Clock, invariant } from '@blockyard/block';
import type { BaseCalls } from '../base/base-calls.js';
import { type Latencies, timed } from '../base/latencies.js';
import type { Geometry } from '../lines/geometry.js';
import type { Lines } from '../lines/lines.js';
import { forEachValid } from '../lines/resident.js';
import type { Sector } from '../tables/numbers.js';
import type { DirtyLines } from '../unwritten/dirty-lines.js';
import type { Epochs } from '../unwritten/epochs.js';
import type { ZeroOperation, ZeroRanges } from '../unwritten/zero-ranges.js';
import type { LineWrites } from './line-writes.js';
import { type LineWrite, restoreDirty, type WriteOperation } from './write-group.js';

export interface OperationCounts {
  /** Writes of the base that succeeded, and their bytes. */
  writes: number;
  writeBytes: number;
  /** Lines that became clean. */
  lines: number;
  /** Ranges zeroed or discarded in the base. */
  zeroes: number;
}

export interface OperationsContext {
  readonly base: BaseCalls;
  readonly geometry: Geometry;
  readonly lines: Lines;
  readonly dirtyLines: DirtyLines;
  readonly zeroes: ZeroRanges;
  readonly epochs: Epochs;
  readonly clock: Clock;
  readonly latencies: Latencies;
}

export interface OperationsEvents {
  /** A zeroing is over: lines may be written that had to wait for it. */
  zeroed(): void;
  /** A call of the base has ended. Called after its lines or its range were told. */
  settled(failure: BlockError | undefined): void;
}

/** The writes and zeroings that the base is at work on. When one ends, its lines and ranges are told how. */
export class Operations {
  readonly #context: OperationsContext;
  readonly #writes: LineWrites;
  readonly #counts: OperationCounts;
  readonly #events: OperationsEvents;
  readonly #operations = new Set<WriteOperation>();
  #zeroings = 0;

  constructor(context: OperationsContext, writes: LineWrites, counts: OperationCounts, events: OperationsEvents) {
    this.#context = context;
    this.#writes = writes;
    this.#counts = counts;
    this.#events = events;
  }

  get count(): number {
    return this.#operations.size + this.#zeroings;
  }

  /** Whether data for a part of the range are on their way to the base. */
  isWritingTo(start: Sector, end: Sector): boolean {
    for (const operation of this.#operations) if (operation.start < end && start < operation.end) return true;
    return false;
  }

  write(operation: WriteOperation): void {
    const { base, clock, latencies, zeroes } = this.#context;
    const { start, end } = operation;
    invariant(zeroes.epochIn(start, end) === undefined, 'what is dirty must not be known to be zero');
    this.#operations.add(operation);
    const ended = timed(clock, latencies.baseWrite);
    base.write(start, operation.buffers, (failure) => {
      if (failure === undefined) ended();
      this.#writeSettled(operation, failure);
    });
  }

  zero(operation: ZeroOperation): void {
    const { base } = this.#context;
    this.#zeroings++;
    base.zero(operation.kind, operation.start, operation.end - operation.start, (failure) =>
      this.#zeroSettled(operation, failure),
    );
  }

  #writeSettled(operation: WriteOperation, failure: BlockError | undefined): void {
    const { geometry, lines } = this.#context;
    this.#operations.delete(operation);
    if (failure === undefined) {
      this.#counts.writes++;
      this.#counts.writeBytes += (operation.end - operation.start) * geometry.sectorSize;
    }
    for (const { write, from, to } of operation.parts) {
      if (failure !== undefined) {
        restoreDirty(write, from, to, lines);
        write.failure ??= failure;
      }
      invariant(write.operationsLeft > 0, 'a write must have operations left to settle');
      write.operationsLeft--;
      if (write.operationsLeft === 0) this.#lineSettled(write);
    }
    this.#events.settled(failure);
  }

  /** All writes of a line are over. */
  #lineSettled(write: LineWrite): void {
    const { lines, dirtyLines, epochs } = this.#context;
    const { entry, epoch, failure } = write;
    this.#writes.delete(write);
    const isDirty = lines.dirty.any(entry);
    const rewritten = write.rewrittenEpoch >= 0;
    if (isDirty && failure !== undefined && epoch >= 0) {
      dirtyLines.putBack(entry, epoch, write.sinceMs);
      if (rewritten) epochs.leave(write.rewrittenEpoch);
    } else {
      if (epoch >= 0) epochs.leave(epoch);
      invariant(!isDirty || rewritten, 'what became dirty on its way must count in an epoch');
      if (isDirty) dirtyLines.addCounted(entry, write.rewrittenEpoch, write.rewrittenMs);
      else if (rewritten) epochs.leave(write.rewrittenEpoch);
      if (failure === undefined) this.#counts.lines++;
    }
    lines.unpin(entry, write.slot);
    for (const settled of write.onSettled) settled(failure);
  }

  #zeroSettled(operation: ZeroOperation, failure: BlockError | undefined): void {
    const { zeroes, lines, geometry } = this.#context;
    this.#zeroings--;
    invariant(this.#zeroings >= 0, 'a zeroing must be on its way to settle');
    this.#events.zeroed();
    if (failure === undefined) {
      zeroes.done(operation);
      this.#counts.zeroes++;
    } else {
      zeroes.failed(operation, (visit) => forEachValid(lines, geometry, operation.start, operation.end, visit));
    }
    this.#events.settled(failure);
  }
}
