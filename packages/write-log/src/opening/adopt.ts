import type { Backlog } from '../changes/backlog.js';
import { Change, type ChangePlace, type LogRecord } from '../changes/change.js';
import type { RecordExtent } from '../format/record.js';
import type { FoundRecord } from './chain.js';

/** Puts what a record that was found has into the backlog, behind what is there. */
export function adoptRecord(backlog: Backlog, found: FoundRecord, sectorSize: number, acceptedAtMs: number): LogRecord {
  const { header, at, next, bytes } = found;
  const changes: Change[] = [];
  const { sequence, attachmentId, baseSizeSectors } = header;
  const owner = { attachmentId, baseSizeSectors };
  const record: LogRecord = { sequence, owner, at, next, changes, isInMemory: true, reads: new Set() };
  let offset = header.headerBytes;
  for (const extents of writesOf(header.extents)) {
    const change = changeOf(bytes, { record, offset, extents }, backlog.nextNumber(), acceptedAtMs, sectorSize);
    offset += change.dataBytes;
    changes.push(change);
  }
  backlog.adopt(record);
  return record;
}

function changeOf(
  recordBytes: Uint8Array,
  place: ChangePlace,
  number: number,
  acceptedAtMs: number,
  sectorSize: number,
): Change {
  const { extents } = place;
  const { kind, start } = extents[0] as RecordExtent;
  const count = extents.reduce((sum, extent) => sum + extent.count, 0);
  const end = place.offset + count * sectorSize;
  const bytes = kind === 'data' ? recordBytes.subarray(place.offset, end) : undefined;
  const change = new Change({ kind, start, count, number, acceptedAtMs, bytes });
  change.place = place;
  return change;
}

/** Extents of one write together. */
function writesOf(extents: readonly RecordExtent[]): RecordExtent[][] {
  const writes: RecordExtent[][] = [];
  for (const extent of extents) {
    if (extent.continues && writes.length > 0) writes.at(-1)?.push(extent);
    else writes.push([extent]);
  }
  return writes;
}
