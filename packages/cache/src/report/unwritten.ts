import type { Clock } from '@blockyard/block';
import type { Geometry } from '../lines/geometry.js';
import type { Lines } from '../lines/lines.js';
import type { DirtyLines } from '../unwritten/dirty-lines.js';
import type { ZeroRanges } from '../unwritten/zero-ranges.js';
import type { WriteBack } from '../write-back/write-back.js';

/** What is known of data that the base does not have. */
export interface UnwrittenContext {
  readonly geometry: Geometry;
  readonly lines: Lines;
  readonly dirtyLines: DirtyLines;
  readonly zeroes: Pick<ZeroRanges, 'oldestSinceMs'>;
  readonly writeBack: Pick<WriteBack, 'writes' | 'unflushedSinceMs'>;
  readonly clock: Clock;
}

/** What the base does not have, or has not made durable. */
export interface Unwritten {
  /** Bytes of dirty sectors, waiting or on their way; without zeroed ranges, which have none. */
  readonly dirtyBytes: number;
  /** For how long the oldest change that the base does not have has waited, in milliseconds, to a thirtieth; undefined if it has all. */
  readonly oldestDirtyMs: number | undefined;
  /** For how long the base has had a change that no flush has followed, in milliseconds; undefined if it has none. */
  readonly oldestUnflushedMs: number | undefined;
}

/** Costs by the lines on their way, of which there are only so many, and not by those that wait. */
export function unwrittenOf({ geometry, lines, dirtyLines, zeroes, writeBack, clock }: UnwrittenContext): Unwritten {
  const { writes } = writeBack;
  const { sectorsPerLine } = geometry;
  const oldestMs = Math.min(zeroes.oldestSinceMs, writes.oldestSinceMs, dirtyLines.oldestSinceMs);
  // What was written anew meanwhile waits in the line until its write is over.
  let sectors = lines.dirty.total;
  for (const entry of writes.entries()) sectors += writes.countUnwritten(entry, 0, sectorsPerLine);
  const nowMs = clock.now();
  return {
    dirtyBytes: sectors * geometry.sectorSize,
    oldestDirtyMs: ageMs(oldestMs, nowMs),
    oldestUnflushedMs: ageMs(writeBack.unflushedSinceMs, nowMs),
  };
}

function ageMs(sinceMs: number, nowMs: number): number | undefined {
  return sinceMs === Number.POSITIVE_INFINITY ? undefined : Math.max(0, nowMs - sinceMs);
}
