import type { Change, LogRecord } from '../changes/change.js';
import { IntervalMap } from '../changes/interval-map.js';
import { hasWide } from '../changes/wide.js';

/** What goes to the base between two of its flushes, at most; and what is compared with it, if that is interrupted. */
export const BATCH_BYTES_MAX = 16 << 20;
/** Changes in a batch that have no record, at most. */
const BATCH_CHANGES_MAX = 16_384;

/** Changes that go to the base, and are then flushed there together. */
export interface Batch {
  readonly changes: readonly Change[];
  /** The records that they are from; none if they were never logged. */
  readonly records: readonly LogRecord[];
  /** How many of the changes the base has. */
  done: number;
}

/** The first of the records, as many as make a batch: one at least. Wide zeroes share it with zeroes alone. */
export function batchOfRecords(records: readonly LogRecord[], sectorSize: number, maxBytes: number): Batch {
  const first = records[0];
  const isWide = first !== undefined && hasWide(first, sectorSize);
  let bytes = 0;
  let count = 0;
  for (const record of records) {
    if (hasWide(record, sectorSize) !== isWide) break;
    bytes += record.changes.reduce((sum, change) => sum + comparedBytes(change, sectorSize), 0);
    if (count > 0 && bytes > maxBytes) break;
    count++;
  }
  const taken = records.slice(0, count);
  return { changes: taken.flatMap(({ changes }) => changes), records: taken, done: 0 };
}

/** How many of the first open changes make a batch: one at least. */
export function countOpenBatch(open: readonly Change[]): number {
  let bytes = 0;
  let count = 0;
  for (const { dataBytes } of open) {
    bytes += dataBytes;
    if (count > 0 && (bytes > BATCH_BYTES_MAX || count === BATCH_CHANGES_MAX)) break;
    count++;
  }
  return count;
}

/** A part of a change that no later one of the batch changes. */
export interface LastVersion {
  readonly change: Change;
  readonly start: number;
  readonly end: number;
}

/** What a batch comes to, for bases that keep no order: each sector once. */
export function lastVersionsOf({ changes }: Batch): LastVersion[] {
  const map = new IntervalMap<Change>();
  let end = 0;
  for (const change of changes) {
    map.set(change.start, change.end, change);
    end = Math.max(end, change.end);
  }
  return [...map.runs(0, end)].flatMap(({ start, end: until, value: change }) =>
    change === undefined ? [] : [{ change, start, end: until }],
  );
}

function comparedBytes({ count }: Change, sectorSize: number): number {
  return count * sectorSize;
}
