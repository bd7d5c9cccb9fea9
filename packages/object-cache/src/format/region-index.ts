import type { Checks } from './checks.js';

/** A region ends in its index: the entries, and behind them a foot. A copy of it, or its foot alone, ends the region's slot of the directory. */
const MAGIC = Buffer.from('blkyridx');
export const FOOT_BYTES = 40;
export const ENTRY_BYTES = 20;
const AT = { region: 8, entries: 12, sequence: 16, check: FOOT_BYTES - 4 };

/** Where a record is, and what it is of: the first eight bytes of the identity, as two numbers, find it. */
export interface IndexEntry {
  readonly word0: number;
  readonly word1: number;
  readonly part: number;
  /** Where the record begins in the region, in units of 512 bytes. */
  readonly unit: number;
  /** First and last step of the range, 256 to a part. */
  readonly firstStep: number;
  readonly lastStep: number;
  /** How often it was used, at most 3. */
  readonly uses: number;
}

export interface RegionIndex {
  readonly region: number;
  /** Regions are written in this order; one that is written again has a new number. */
  readonly sequence: number;
  readonly entries: readonly IndexEntry[];
}

/** An index as it was read. */
export interface IndexRead extends Omit<RegionIndex, 'entries'> {
  /** Entries. */
  readonly count: number;
  /** Calls `visit` with each entry, in one object that is filled again: there are millions on a large medium. */
  forEach(visit: (entry: IndexEntry) => void): void;
}

/** Bytes of an index with so many entries. */
export function indexBytes(entries: number): number {
  return entries * ENTRY_BYTES + FOOT_BYTES;
}

export function encodeIndex({ region, sequence, entries }: RegionIndex, checks: Checks): Uint8Array {
  const bytes = Buffer.alloc(indexBytes(entries.length));
  for (const [i, entry] of entries.entries()) writeEntry(bytes, i * ENTRY_BYTES, entry);
  const foot = bytes.subarray(entries.length * ENTRY_BYTES);
  foot.set(MAGIC);
  foot.writeUInt32LE(region, AT.region);
  foot.writeUInt32LE(entries.length, AT.entries);
  foot.writeBigUInt64LE(BigInt(sequence), AT.sequence);
  foot.writeUInt32LE(checks.of(bytes.subarray(0, bytes.byteLength - 4)), AT.check);
  return bytes;
}

/** How many entries the index has that ends with these bytes. Undefined if no index does. */
export function entriesOf(tail: Uint8Array): number | undefined {
  const foot = Buffer.from(tail.buffer, tail.byteOffset + tail.byteLength - FOOT_BYTES, FOOT_BYTES);
  return foot.subarray(0, MAGIC.byteLength).equals(MAGIC) ? foot.readUInt32LE(AT.entries) : undefined;
}

/** The index that ends with these bytes. Undefined if they do not have all of it, or it is not the one of this region. */
export function decodeIndex(tail: Uint8Array, region: number, checks: Checks): IndexRead | undefined {
  const count = entriesOf(tail);
  if (count === undefined || indexBytes(count) > tail.byteLength) return undefined;
  const start = tail.byteLength - indexBytes(count);
  const bytes = Buffer.from(tail.buffer, tail.byteOffset + start, indexBytes(count));
  const foot = bytes.subarray(bytes.byteLength - FOOT_BYTES);
  if (foot.readUInt32LE(AT.check) !== checks.of(bytes.subarray(0, bytes.byteLength - 4))) return undefined;
  if (foot.readUInt32LE(AT.region) !== region) return undefined;
  const forEach = (visit: (entry: IndexEntry) => void) => visitEntries(bytes, count, visit);
  return { region, sequence: Number(foot.readBigUInt64LE(AT.sequence)), count, forEach };
}

function writeEntry(bytes: Buffer, at: number, entry: IndexEntry): void {
  bytes.writeUInt32LE(entry.word0, at);
  bytes.writeUInt32LE(entry.word1, at + 4);
  bytes.writeUInt32LE(entry.part, at + 8);
  bytes.writeUInt32LE(entry.unit, at + 12);
  bytes[at + 16] = entry.firstStep;
  bytes[at + 17] = entry.lastStep;
  bytes[at + 18] = entry.uses;
}

function visitEntries(bytes: Uint8Array, count: number, visit: (entry: IndexEntry) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entry = { word0: 0, word1: 0, part: 0, unit: 0, firstStep: 0, lastStep: 0, uses: 0 };
  for (let at = 0; at < count * ENTRY_BYTES; at += ENTRY_BYTES) {
    entry.word0 = view.getUint32(at, true);
    entry.word1 = view.getUint32(at + 4, true);
    entry.part = view.getUint32(at + 8, true);
    entry.unit = view.getUint32(at + 12, true);
    entry.firstStep = view.getUint8(at + 16);
    entry.lastStep = view.getUint8(at + 17);
    entry.uses = view.getUint8(at + 18);
    visit(entry);
  }
}
