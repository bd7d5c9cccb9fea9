import { CHANGE_OVERHEAD_BYTES, type Change } from '../changes/change.js';
import { isWide } from '../changes/wide.js';
import { crc32 } from '../format/crc32.js';
import { EXTENT_BYTES_MAX, RECORD_EXTENTS_MAX, roundUp } from '../format/layout.js';
import { encodeHeader, headerBytesOf, type RecordExtent, type RecordHeader } from '../format/record.js';

/** What records are made by. */
export interface RecordShape {
  readonly unit: number;
  readonly maxRecordBytes: number;
  readonly baseSectorSize: number;
}

/** The open changes that come first and fit into one record. */
export interface Group {
  readonly changes: readonly Change[];
  readonly sizeBytes: number;
}

/** The first changes that may share a record. Wide zeroes share it with zeroes alone. At least one. */
export function takeGroup(open: readonly Change[], shape: RecordShape): Group {
  const { unit, maxRecordBytes, baseSectorSize } = shape;
  const hasWide = open[0] !== undefined && isWide(open[0], baseSectorSize);
  let count = 0;
  let extents = 0;
  let payloadBytes = 0;
  let sizeBytes = 0;
  for (const change of open) {
    if (hasWide ? change.kind === 'data' : isWide(change, baseSectorSize)) break;
    extents += Math.max(1, Math.ceil(change.dataBytes / EXTENT_BYTES_MAX));
    payloadBytes += change.dataBytes;
    const withIt = headerBytesOf(extents, unit) + roundUp(payloadBytes, unit);
    if (count > 0 && (withIt > maxRecordBytes || extents > RECORD_EXTENTS_MAX)) break;
    sizeBytes = withIt;
    count++;
  }
  return { changes: open.slice(0, count), sizeBytes };
}

/** The longest data of one change, so that it fits into a record, and memory: whole sectors. */
export function maxChangeBytesOf(
  { unit, maxRecordBytes, baseSectorSize }: RecordShape,
  maxMemoryBytes: number,
): number {
  const extents = Math.ceil(maxRecordBytes / EXTENT_BYTES_MAX);
  const room = maxRecordBytes - headerBytesOf(extents, unit) - unit;
  const most = Math.min(MAX_CHANGE_BYTES, room, maxMemoryBytes / 4 - CHANGE_OVERHEAD_BYTES);
  return Math.max(1, Math.floor(most / baseSectorSize)) * baseSectorSize;
}

/** A larger write is several changes. */
const MAX_CHANGE_BYTES = 1 << 20;

type HeaderFacts = Omit<RecordHeader, 'kind' | 'payloadBytes' | 'extents'>;

/** The bytes of a record that says that the next one is at the beginning of the ring. */
export function buildWrap(facts: HeaderFacts, unit: number): { readonly bytes: Uint8Array; readonly check: number } {
  const bytes = new Uint8Array(unit);
  const check = encodeHeader({ ...facts, kind: 'wrap', payloadBytes: 0, extents: [] }, unit, bytes);
  return { bytes, check };
}

/** A record as it goes to the medium. */
export interface BuiltRecord {
  /** Whole units each. */
  readonly buffers: readonly Uint8Array[];
  readonly check: number;
  /** Where in the record the data of each change begin, and what they are divided into. */
  readonly places: readonly { readonly offset: number; readonly extents: readonly RecordExtent[] }[];
}

/**
 * A record with the group's changes.
 *
 * @param scratch gives memory of that many bytes, which may hold anything
 */
export function buildRecord(
  { changes, sizeBytes }: Group,
  facts: HeaderFacts,
  { unit, baseSectorSize }: RecordShape,
  scratch: (lengthBytes: number) => Uint8Array,
): BuiltRecord {
  const extentsOf = changes.map((change) => extentsOfChange(change, baseSectorSize));
  const extents = extentsOf.flat();
  const headerBytes = headerBytesOf(extents.length, unit);
  let end = headerBytes;
  const places = changes.map(({ dataBytes }, i) => {
    const offset = end;
    end += dataBytes;
    return { offset, extents: extentsOf[i] ?? [] };
  });
  // What is large goes as it lies in memory.
  const goesAsItIs = changes.every(({ dataBytes }) => dataBytes >= EXTENT_BYTES_MAX && dataBytes % unit === 0);
  const bytes = scratch(goesAsItIs ? headerBytes : sizeBytes);
  bytes.fill(0, 0, headerBytes);
  const check = encodeHeader({ ...facts, kind: 'changes', payloadBytes: end - headerBytes, extents }, unit, bytes);
  const data = changes.flatMap((change) => change.bytes ?? []);
  if (goesAsItIs) return { buffers: [bytes, ...data], check, places };
  let at = headerBytes;
  for (const each of data) {
    bytes.set(each, at);
    at += each.byteLength;
  }
  bytes.fill(0, end);
  return { buffers: [bytes], check, places };
}

function extentsOfChange({ kind, start, count, bytes }: Change, sectorSize: number): RecordExtent[] {
  if (kind !== 'data' || bytes === undefined) return [{ kind, start, count, crc: 0, continues: false }];
  const step = EXTENT_BYTES_MAX / sectorSize;
  const extents: RecordExtent[] = [];
  for (let done = 0; done < count; done += step) {
    const sectors = Math.min(step, count - done);
    const crc = crc32(bytes.subarray(done * sectorSize, (done + sectors) * sectorSize));
    extents.push({ kind, start: start + done, count: sectors, crc, continues: done > 0 });
  }
  return extents;
}
