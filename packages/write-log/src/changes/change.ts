import type { ChangeKind, RecordExtent } from '../format/record.js';
import type { ChainPlace } from '../format/superblock.js';

/** What a change takes in memory beside its data, roughly: its object, its place in the map and in its record. */
export const CHANGE_OVERHEAD_BYTES = 256;

/**
 * Something that the base does not have for sure: a write, or a piece of a large one, a discard, zeroes. It is in memory, or in
 * a record on the medium, or in both.
 */
export class Change {
  readonly kind: ChangeKind;
  readonly start: number;
  readonly count: number;
  /** Changes are numbered as they are accepted, from 1. */
  readonly number: number;
  readonly acceptedAtMs: number;
  /** Length of its data; 0 if it has none. */
  readonly dataBytes: number;
  /** Of a `data` change, unless only the medium has it. No one writes into it. */
  bytes: Uint8Array | undefined;
  /** Where it is in the log, if it is. */
  place: ChangePlace | undefined;

  constructor(facts: Pick<Change, 'kind' | 'start' | 'count' | 'number' | 'acceptedAtMs' | 'bytes'>) {
    this.kind = facts.kind;
    this.start = facts.start;
    this.count = facts.count;
    this.number = facts.number;
    this.acceptedAtMs = facts.acceptedAtMs;
    this.dataBytes = facts.bytes?.byteLength ?? 0;
    this.bytes = facts.bytes;
    this.place = undefined;
  }

  get end(): number {
    return this.start + this.count;
  }
}

/** A change's part of a record. */
export interface ChangePlace {
  readonly record: LogRecord;
  /** Where its data begin, in bytes of the record. */
  readonly offset: number;
  readonly extents: readonly RecordExtent[];
}

/** Which base a record was written for, and under which attachment. */
export interface RecordOwner {
  readonly attachmentId: string;
  readonly baseSizeSectors: number;
}

/** A record of the log that has changes, on the medium or on its way to it. */
export interface LogRecord {
  readonly sequence: number;
  readonly owner: RecordOwner;
  /** Where it begins, as in a {@link ChainPlace}. Another opening counts laps of the ring anew. */
  at: number;
  /** The place behind it in the chain. */
  next: ChainPlace;
  readonly changes: readonly Change[];
  /** Whether its data are in memory, too. */
  isInMemory: boolean;
  /** Reads of it from the medium that are under way: until they are over, nothing may be written in its place. */
  readonly reads: Set<Promise<unknown>>;
}

/** The number of the last change of a record. */
export function lastNumberOf({ changes }: LogRecord): number {
  return changes.at(-1)?.number ?? 0;
}
