import { getId, getLong, hasText, setId, setLong, setText, viewOf } from './bytes.js';
import { crc32 } from './crc32.js';
import { EXTENT_BYTES_MAX, RECORD_EXTENTS_MAX, roundUp } from './layout.js';

const MAGIC = 'blkywrec';
const VERSION = 1;
const HEAD_BYTES = 128;
const EXTENT_BYTES = 32;
/** The longest header, before it is rounded up to units. */
export const HEADER_BYTES_MAX = HEAD_BYTES + RECORD_EXTENTS_MAX * EXTENT_BYTES;

const AT = {
  version: 8,
  headerBytes: 12,
  tierId: 16,
  run: 32,
  sequence: 40,
  flushed: 48,
  attachmentId: 56,
  baseSizeSectors: 72,
  payloadBytes: 80,
  extents: 84,
  kind: 88,
  before: 92,
  writtenAtMs: 96,
  check: 124,
} as const;

const EXTENT_AT = { start: 0, count: 8, kind: 16, crc: 20, flags: 24 } as const;

/** `wrap`: the next record is at the beginning of the ring. */
const RECORD_KINDS = ['changes', 'wrap'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

const CHANGE_KINDS = ['data', 'discard', 'zeroes'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** A part of a change, as a record has it. */
export interface RecordExtent {
  readonly kind: ChangeKind;
  /** In sectors of the base. */
  readonly start: number;
  readonly count: number;
  /** Of its data; 0 where it has none. */
  readonly crc: number;
  /** It belongs to the same write as the extent before. */
  readonly continues: boolean;
}

export interface RecordHeader {
  readonly kind: RecordKind;
  readonly tierId: string;
  readonly run: number;
  readonly sequence: number;
  /** When this record was made, the records up to this one were durable. */
  readonly flushed: number;
  readonly attachmentId: string;
  readonly baseSizeSectors: number;
  /** Data, before it is rounded up to units. */
  readonly payloadBytes: number;
  readonly extents: readonly RecordExtent[];
  /** The check of the record before. */
  readonly before: number;
  /** Unix time. */
  readonly writtenAtMs: number;
}

/** A header as it was read. */
export interface FoundHeader extends RecordHeader {
  /** Rounded up to units. */
  readonly headerBytes: number;
  /** CRC of the header, by which the next record knows this one. */
  readonly check: number;
}

/** Bytes of a header with so many extents, in whole units. */
export function headerBytesOf(extents: number, unit: number): number {
  return roundUp(HEAD_BYTES + extents * EXTENT_BYTES, unit);
}

/** Writes the header to the beginning of `target`, which must be zeroes there. Gives its check. */
export function encodeHeader(header: RecordHeader, unit: number, target: Uint8Array): number {
  const view = viewOf(target);
  setText(target, 0, MAGIC);
  view.setUint32(AT.version, VERSION, true);
  view.setUint32(AT.headerBytes, headerBytesOf(header.extents.length, unit), true);
  setId(target, AT.tierId, header.tierId);
  setLong(view, AT.run, header.run);
  setLong(view, AT.sequence, header.sequence);
  setLong(view, AT.flushed, header.flushed);
  setId(target, AT.attachmentId, header.attachmentId);
  setLong(view, AT.baseSizeSectors, header.baseSizeSectors);
  view.setUint32(AT.payloadBytes, header.payloadBytes, true);
  view.setUint32(AT.extents, header.extents.length, true);
  view.setUint32(AT.kind, RECORD_KINDS.indexOf(header.kind), true);
  view.setUint32(AT.before, header.before, true);
  setLong(view, AT.writtenAtMs, header.writtenAtMs);
  let at = HEAD_BYTES;
  for (const extent of header.extents) {
    setLong(view, at + EXTENT_AT.start, extent.start);
    setLong(view, at + EXTENT_AT.count, extent.count);
    view.setUint32(at + EXTENT_AT.kind, CHANGE_KINDS.indexOf(extent.kind), true);
    view.setUint32(at + EXTENT_AT.crc, extent.crc, true);
    view.setUint32(at + EXTENT_AT.flags, extent.continues ? 1 : 0, true);
    at += EXTENT_BYTES;
  }
  const check = checkOf(target, header.extents.length);
  view.setUint32(AT.check, check, true);
  return check;
}

/** Whether a header may begin here: the first glance. */
export function looksLikeHeader(bytes: Uint8Array): boolean {
  return bytes.byteLength >= HEAD_BYTES && hasText(bytes, 0, MAGIC);
}

/** How long what looks like a header says that it is, sound or not. */
export function claimedHeaderBytes(bytes: Uint8Array): number {
  return viewOf(bytes).getUint32(AT.headerBytes, true);
}

/** The header at the beginning of `bytes`, or undefined if there is none that is sound. `bytes` must go on for a whole header. */
export function decodeHeader(bytes: Uint8Array, unit: number, baseSectorSize: number): FoundHeader | undefined {
  if (!looksLikeHeader(bytes)) return undefined;
  const view = viewOf(bytes);
  const count = view.getUint32(AT.extents, true);
  const headerBytes = view.getUint32(AT.headerBytes, true);
  if (view.getUint32(AT.version, true) !== VERSION || count > RECORD_EXTENTS_MAX) return undefined;
  if (headerBytes !== headerBytesOf(count, unit) || headerBytes > bytes.byteLength) return undefined;
  const check = view.getUint32(AT.check, true);
  if (check !== checkOf(bytes, count)) return undefined;
  const kind = RECORD_KINDS[view.getUint32(AT.kind, true)];
  const extents = decodeExtents(view, count, baseSectorSize);
  const payloadBytes = view.getUint32(AT.payloadBytes, true);
  if (kind === undefined || extents === undefined) return undefined;
  if (payloadBytes !== dataBytesOf(extents, baseSectorSize)) return undefined;
  return {
    kind,
    headerBytes,
    check,
    extents,
    payloadBytes,
    tierId: getId(bytes, AT.tierId),
    run: getLong(view, AT.run),
    sequence: getLong(view, AT.sequence),
    flushed: getLong(view, AT.flushed),
    attachmentId: getId(bytes, AT.attachmentId),
    baseSizeSectors: getLong(view, AT.baseSizeSectors),
    before: view.getUint32(AT.before, true),
    writtenAtMs: getLong(view, AT.writtenAtMs),
  };
}

function decodeExtents(view: DataView, count: number, sectorSize: number): RecordExtent[] | undefined {
  const extents: RecordExtent[] = [];
  for (let i = 0, at = HEAD_BYTES; i < count; i++, at += EXTENT_BYTES) {
    const kind = CHANGE_KINDS[view.getUint32(at + EXTENT_AT.kind, true)];
    const sectors = getLong(view, at + EXTENT_AT.count);
    if (kind === undefined || sectors === 0) return undefined;
    if (kind === 'data' && sectors * sectorSize > EXTENT_BYTES_MAX) return undefined;
    extents.push({
      kind,
      start: getLong(view, at + EXTENT_AT.start),
      count: sectors,
      crc: view.getUint32(at + EXTENT_AT.crc, true),
      continues: (view.getUint32(at + EXTENT_AT.flags, true) & 1) === 1,
    });
  }
  return extents;
}

/** Bytes of data that extents have in the payload. */
export function dataBytesOf(extents: readonly RecordExtent[], sectorSize: number): number {
  return extents.reduce((sum, { kind, count }) => sum + (kind === 'data' ? count * sectorSize : 0), 0);
}

/** CRC of all but the check itself. */
function checkOf(bytes: Uint8Array, extents: number): number {
  const end = HEAD_BYTES + extents * EXTENT_BYTES;
  return crc32(bytes.subarray(HEAD_BYTES, end), crc32(bytes.subarray(0, AT.check)));
}
