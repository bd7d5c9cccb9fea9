import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { HotRange } from '@blockyard/cache';

/** What a list is of: what a cache held, the hottest first; or what a first start read, in its order. */
export type ListKind = 'hot ranges' | 'boot profile';

/** The device that a list is of. */
export interface ListOwner {
  /** Tells its volume from any other, for good. */
  readonly volume: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
}

/** The format in full: "Files of a warm start" in docs/cache.md. */
const MAGIC = 'blkywarm';
const VERSION = 1;
const KIND_NUMBERS: Readonly<Record<ListKind, number>> = { 'hot ranges': 1, 'boot profile': 2 };
const AT = { version: 8, kind: 12, volume: 16, sectorSize: 48, sizeSectors: 52, ranges: 60, crc: 124 };
const HEADER_BYTES = 128;
const VOLUME_BYTES = 32;
const RANGE_BYTES = 12;
const HEAT_MAX = 4;
const WORD = 2 ** 32;
/** What a range's count has room for; a longer range becomes several. */
const COUNT_MAX = 2 ** 32 - 1;
/** What a range's start has room for: more than any device has. */
const START_MAX = 2 ** 48 - 1;

/** More ranges than that are no list. */
export const RANGES_MAX = 2 ** 18;
export const LIST_BYTES_MAX = HEADER_BYTES + RANGES_MAX * RANGE_BYTES;

/** What bytes are, for one who looks for a list. */
export type DecodedList =
  | { readonly state: 'usable'; readonly ranges: readonly HotRange[] }
  /** `isOwn`: it is a list of this kind and volume, or was one, and may be replaced by another. */
  | { readonly state: 'unusable'; readonly isOwn: boolean; readonly reason: string };

/** The bytes of a list. Ranges past `RANGES_MAX` are left out, the last ones first. */
export function encodeList(kind: ListKind, owner: ListOwner, ranges: readonly HotRange[]): Uint8Array {
  const records = recordsOf(ranges);
  const bytes = Buffer.alloc(HEADER_BYTES + records.length * RANGE_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(VERSION, AT.version);
  bytes.writeUInt32LE(KIND_NUMBERS[kind], AT.kind);
  bytes.set(volumeHash(owner.volume), AT.volume);
  bytes.writeUInt32LE(owner.sectorSize, AT.sectorSize);
  bytes.writeBigUInt64LE(BigInt(owner.sizeSectors), AT.sizeSectors);
  bytes.writeUInt32LE(records.length, AT.ranges);
  const view = viewOf(bytes);
  let at = HEADER_BYTES;
  for (const { start, count, heat } of records) {
    view.setUint32(at, start % WORD, true);
    view.setUint16(at + 4, Math.floor(start / WORD), true);
    view.setUint16(at + 6, heat, true);
    view.setUint32(at + 8, count, true);
    at += RANGE_BYTES;
  }
  bytes.writeUInt32LE(checksumOf(bytes), AT.crc);
  return bytes;
}

/** Looks at what is where a list of this kind and device should be. Never throws. */
export function decodeList(kind: ListKind, owner: ListOwner, found: Uint8Array): DecodedList {
  const bytes = Buffer.from(found.buffer, found.byteOffset, found.byteLength);
  const foreign = (reason: string) => ({ state: 'unusable', isOwn: false, reason }) as const;
  const stale = (reason: string) => ({ state: 'unusable', isOwn: true, reason }) as const;
  // Nothing yet: as a power cut may leave a new file.
  if (bytes.byteLength === 0) return stale('it is empty');
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return foreign('it is something else');
  if (bytes.byteLength < HEADER_BYTES) return stale('it is damaged');
  if (bytes.readUInt32LE(AT.crc) !== checksumOf(bytes)) {
    // The place of the version is the same for good, the rest of what a later one has is not known here.
    return bytes.readUInt32LE(AT.version) > VERSION ? foreign('it is of a later version') : stale('it is damaged');
  }
  if (bytes.readUInt32LE(AT.version) !== VERSION) return foreign('it is of a later version');
  if (bytes.readUInt32LE(AT.kind) !== KIND_NUMBERS[kind]) return foreign(`it is no list of ${NAMES[kind]}`);
  if (!bytes.subarray(AT.volume, AT.volume + VOLUME_BYTES).equals(volumeHash(owner.volume))) {
    return foreign('it is of another volume');
  }
  if (bytes.readUInt32LE(AT.sectorSize) !== owner.sectorSize) return stale('it counts in sectors of another size');
  if (bytes.readBigUInt64LE(AT.sizeSectors) !== BigInt(owner.sizeSectors)) return stale('the volume had another size');
  const ranges = rangesIn(bytes, owner.sizeSectors);
  return ranges === undefined ? stale('it is damaged') : { state: 'usable', ranges };
}

const NAMES: Readonly<Record<ListKind, string>> = {
  'hot ranges': 'what a cache held',
  'boot profile': 'what a first start read',
};

/** Undefined if they make no sense. */
function rangesIn(bytes: Buffer, sizeSectors: number): HotRange[] | undefined {
  const count = bytes.readUInt32LE(AT.ranges);
  if (bytes.byteLength !== HEADER_BYTES + count * RANGE_BYTES || count > RANGES_MAX) return undefined;
  const view = viewOf(bytes);
  const ranges: HotRange[] = [];
  for (let at = HEADER_BYTES; at < bytes.byteLength; at += RANGE_BYTES) {
    const start = view.getUint32(at, true) + view.getUint16(at + 4, true) * WORD;
    const heat = view.getUint16(at + 6, true);
    const sectors = view.getUint32(at + 8, true);
    if (heat > HEAT_MAX || start + sectors > sizeSectors) return undefined;
    ranges.push({ start, count: sectors, heat });
  }
  return ranges;
}

/** Ranges that each have room in a record. */
function recordsOf(ranges: readonly HotRange[]): HotRange[] {
  const records: HotRange[] = [];
  for (const { start, count, heat } of ranges) {
    for (let at = start; at < start + count && at <= START_MAX; at += COUNT_MAX) {
      if (records.length === RANGES_MAX) return records;
      records.push({ start: at, count: Math.min(COUNT_MAX, start + count - at), heat });
    }
  }
  return records;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Of everything but itself. */
function checksumOf(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, AT.crc)));
}

function volumeHash(volume: string): Uint8Array {
  return createHash('sha256').update(volume, 'utf8').digest();
}
