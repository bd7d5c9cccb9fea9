import { crc32 } from 'node:zlib';
import { BlockError } from '@blockyard/block';
import { ByteReader, ByteWriter } from './bytes.js';
import { encodeIdentity } from './checksums.js';
import { type DataName, type ObjectId, SLOT_MAX } from './keys.js';
import { type Identity, INDEX_PLACE, openBlob, type Sealer, sealBlob, TRAILER_BYTES } from './sealing.js';

/**
 * An object of data: head, slots, index, foot. Numbers are little-endian.
 *
 * - Head, 64 bytes: `blkylog1`, volume id (16 bytes), object id (8), epoch (4), bytes in a sector (4), when it was sealed in
 *   milliseconds since 1970 (8), zeroes (12), CRC-32 of all this (4).
 * - Slots, numbered from 0: the bytes of a sector, and a trailer of 16 that the sealing defines.
 * - Index: a blob, sealed under place 2^24; see {@link encodeIndex}.
 * - Foot, 32 bytes: `blkyfoot`, bytes of the sealed index (4), number of slots (4), object id (8), epoch (4), CRC-32 of the
 *   identity's bytes and all this (4).
 *
 * So a slot's place follows from its number alone, and the last bytes of an object tell what it has.
 */
export const HEAD_BYTES = 64;
export const FOOT_BYTES = 32;
const MAGIC_BYTES = 8;
const HEAD_MAGIC = 'blkylog1';
const FOOT_MAGIC = 'blkyfoot';
const FENCE_MAGIC = 'blkyfenc';
const INDEX_VERSION = 1;

/** Bytes of a slot with its trailer. */
export function slotBytesOf(sectorSize: number): number {
  return sectorSize + TRAILER_BYTES;
}

/** Where a slot begins. */
export function slotOffset(slot: number, sectorSize: number): number {
  return HEAD_BYTES + slot * slotBytesOf(sectorSize);
}

export function identityOfData(volumeId: string, { object, epoch }: DataName): Identity {
  return { volumeId, kind: 'data', number: object, part: 0, epoch };
}

export interface SegmentHead {
  readonly volumeId: string;
  readonly object: ObjectId;
  readonly epoch: number;
  readonly sectorSize: number;
  /** Milliseconds since 1970, by the writer's clock. */
  readonly sealedMs: number;
}

export function encodeHead(head: SegmentHead): Uint8Array {
  return encodeHeadAs(HEAD_MAGIC, head);
}

/** An object that stands where an earlier epoch would go on: it is a head with a magic of its own, and nothing else. */
export function encodeFence(head: SegmentHead): Uint8Array {
  return encodeHeadAs(FENCE_MAGIC, head);
}

function encodeHeadAs(magic: string, { volumeId, object, epoch, sectorSize, sealedMs }: SegmentHead): Uint8Array {
  const writer = new ByteWriter(HEAD_BYTES);
  writer.put(Buffer.from(magic));
  writer.put(Buffer.from(volumeId, 'hex'));
  writer.u64(object);
  writer.u32(epoch);
  writer.u32(sectorSize);
  writer.u64(sealedMs);
  writer.put(new Uint8Array(HEAD_BYTES - writer.length - 4));
  writer.u32(crc32(writer.bytes));
  return writer.bytes;
}

/** Whether the first bytes of an object are those of a fence. */
export function isFence(bytes: Uint8Array): boolean {
  return bytes.byteLength >= MAGIC_BYTES && textOf(bytes.subarray(0, MAGIC_BYTES)) === FENCE_MAGIC;
}

/** Throws `CORRUPT` if it is not the head, or the fence, of this object of this volume. */
export function decodeHead(bytes: Uint8Array, identity: Identity, where: string): SegmentHead {
  const reader = new ByteReader(bytes.subarray(0, HEAD_BYTES), where);
  const magic = textOf(reader.take(MAGIC_BYTES));
  const isKnown = magic === HEAD_MAGIC || magic === FENCE_MAGIC;
  const volumeId = Buffer.from(reader.take(16)).toString('hex');
  const [object, epoch, sectorSize, sealedMs] = [reader.u64(), reader.u32(), reader.u32(), reader.u64()];
  reader.take(reader.leftBytes - 4);
  if (!isKnown || reader.u32() !== crc32(bytes.subarray(0, HEAD_BYTES - 4))) {
    throw reader.corrupt('is no object of a log volume, or its head is damaged');
  }
  if (volumeId !== identity.volumeId || object !== identity.number || epoch !== identity.epoch) {
    throw reader.corrupt('is another object');
  }
  return { volumeId, object, epoch, sectorSize, sealedMs };
}

/** Sectors `start` on, `count` of them. */
export interface ZeroExtent {
  readonly start: number;
  readonly count: number;
}

/** Sectors `start` on lie in slots `slot` on. */
export interface DataExtent extends ZeroExtent {
  readonly slot: number;
}

/** How the size changed while a segment was open. */
export interface SizeChange {
  /** The least size that it went through: all from there on was dropped. */
  readonly lowestSectors: number;
  /** The size in the end. */
  readonly sizeSectors: number;
}

/**
 * What a segment changes, in this order: the size, with all past the lowest one dropped; what reads as zeroes; data. Extents of
 * each list ascend, and none of all overlaps another.
 */
export interface SegmentIndex {
  readonly size: SizeChange | undefined;
  readonly zeroes: readonly ZeroExtent[];
  readonly data: readonly DataExtent[];
}

/**
 * Varints: version (1); 1 if the size changed, and then the lowest and the last; the number of extents of zeroes, and of each
 * the sectors since the end of the one before, and the count; the number of extents of data, and of each the same two, and its
 * slot less the slot after the one before, signed.
 */
export function encodeIndex({ size, zeroes, data }: SegmentIndex): Uint8Array {
  const writer = new ByteWriter(16 + 8 * (zeroes.length + data.length));
  writer.varint(INDEX_VERSION);
  writer.varint(size === undefined ? 0 : 1);
  if (size !== undefined) {
    writer.varint(size.lowestSectors);
    writer.varint(size.sizeSectors);
  }
  writer.varint(zeroes.length);
  let at = 0;
  for (const { start, count } of zeroes) {
    writer.varint(start - at);
    writer.varint(count);
    at = start + count;
  }
  writer.varint(data.length);
  at = 0;
  let nextSlot = 0;
  for (const { start, count, slot } of data) {
    writer.varint(start - at);
    writer.varint(count);
    writer.signed(slot - nextSlot);
    at = start + count;
    nextSlot = slot + count;
  }
  return writer.bytes;
}

/** Throws `CORRUPT`, or `UNSUPPORTED` for an index of a later version. */
export function decodeIndex(bytes: Uint8Array, slots: number, where: string): SegmentIndex {
  const reader = new ByteReader(bytes, where);
  const version = reader.varint();
  if (version !== INDEX_VERSION) throw new BlockError('UNSUPPORTED', `${where}: index version ${version} is not known`);
  const size = reader.varint() === 0 ? undefined : { lowestSectors: reader.varint(), sizeSectors: reader.varint() };
  const zeroes: ZeroExtent[] = [];
  let at = 0;
  for (let left = reader.varint(); left > 0; left--) {
    const extent = extentFrom(reader, at);
    zeroes.push(extent);
    at = extent.start + extent.count;
  }
  const data: DataExtent[] = [];
  at = 0;
  let nextSlot = 0;
  for (let left = reader.varint(); left > 0; left--) {
    const { start, count } = extentFrom(reader, at);
    const slot = nextSlot + reader.signed();
    if (slot < 0 || slot + count > slots) throw reader.corrupt(`slot ${slot} is not one of ${slots}`);
    data.push({ start, count, slot });
    at = start + count;
    nextSlot = slot + count;
  }
  reader.end();
  return { size, zeroes, data };
}

function extentFrom(reader: ByteReader, at: number): ZeroExtent {
  const start = at + reader.varint();
  const count = reader.varint();
  if (count === 0 || !Number.isSafeInteger(start + count)) throw reader.corrupt(`has an extent of ${count} sectors`);
  return { start, count };
}

/** What follows the slots: the sealed index and the foot. */
export function encodeTail(index: SegmentIndex, slots: number, identity: Identity, sealer: Sealer): Uint8Array {
  const sealed = sealBlob(sealer, INDEX_PLACE, encodeIndex(index));
  const writer = new ByteWriter(sealed.byteLength + FOOT_BYTES);
  writer.put(sealed);
  writer.put(Buffer.from(FOOT_MAGIC));
  writer.u32(sealed.byteLength);
  writer.u32(slots);
  writer.u64(identity.number);
  writer.u32(identity.epoch);
  writer.u32(crc32(writer.bytes.subarray(sealed.byteLength), crc32(encodeIdentity(identity))));
  return writer.bytes;
}

export interface SegmentFoot {
  /** Bytes of the sealed index, which lies before the foot. */
  readonly indexBytes: number;
  readonly slots: number;
}

/** Reads the last bytes of an object. Throws `CORRUPT` if they are not the foot of this object of this size. */
export function decodeFoot(
  bytes: Uint8Array,
  identity: Identity,
  facts: { readonly sizeBytes: number; readonly sectorSize: number },
  where: string,
): SegmentFoot {
  const reader = new ByteReader(bytes, where);
  const magic = textOf(reader.take(MAGIC_BYTES));
  const [indexBytes, slots, object, epoch] = [reader.u32(), reader.u32(), reader.u64(), reader.u32()];
  const check = crc32(bytes.subarray(0, FOOT_BYTES - 4), crc32(encodeIdentity(identity)));
  if (magic !== FOOT_MAGIC || reader.u32() !== check || object !== identity.number || epoch !== identity.epoch) {
    throw reader.corrupt('has no foot, or a damaged one, or is another object');
  }
  const sizeBytes = slotOffset(slots, facts.sectorSize) + indexBytes + FOOT_BYTES;
  if (slots > SLOT_MAX + 1 || sizeBytes !== facts.sizeBytes) {
    throw reader.corrupt(`has ${facts.sizeBytes} bytes, and says ${sizeBytes}`);
  }
  return { indexBytes, slots };
}

/** Opens a sealed index in place, and reads it. */
export function openIndex(sealed: Uint8Array, slots: number, sealer: Sealer, where: string): SegmentIndex {
  return decodeIndex(openBlob(sealer, INDEX_PLACE, sealed, where), slots, where);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
