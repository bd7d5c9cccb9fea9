import { crc32 } from 'node:zlib';
import type { Stamp } from '../layout/stamp.js';

/**
 * How a data object of version 2 is laid out: a header, then the data in parts of one size, each followed by its checksum. The
 * README has it for authors of other implementations.
 *
 * - A part and its checksum lie side by side, so that one GET of a range brings what it takes to check that range.
 * - The checksum of a part covers its place, too: the volume, the object, the number of the part. Objects or parts that changed
 *   places do not fit. It does not cover the version, so that a part that a write leaves alone keeps the checksum it was given
 *   when it was written, however often its object is replaced.
 * - The header covers the checksums of all parts and everything the stamp says, so that a full read finds parts of different
 *   versions, and data under the stamp of another version.
 * - The length is in the stamp, which comes with every answer: any read finds an object that was truncated or grew.
 */

/** Bytes in front of the data. */
export const HEADER_BYTES = 96;
export const CHECK_BYTES = 4;

const MAGIC = 'blkydata';
const FORMAT_VERSION = 2;
const ID_BYTES = 16;

/** The header's fields by their first byte; all numbers are little-endian. */
const AT = {
  magic: 0,
  version: 8,
  partSizeBytes: 12,
  index: 16,
  epoch: 24,
  volumeId: 32,
  opening: 48,
  writeId: 64,
  dataBytes: 80,
  partsCheck: 88,
  headerCheck: 92,
} as const;

/** A stamp of a data object of version 2. */
export type DataObjectStamp = Stamp & { readonly data: NonNullable<Stamp['data']> };

export function isDataObjectStamp(stamp: Stamp | undefined): stamp is DataObjectStamp {
  return stamp?.data !== undefined;
}

/** Where things are in objects of parts of `partSizeBytes`. */
export class ObjectFormat {
  readonly partSizeBytes: number;

  constructor(partSizeBytes: number) {
    this.partSizeBytes = partSizeBytes;
  }

  partOf(dataOffset: number): number {
    return Math.floor(dataOffset / this.partSizeBytes);
  }

  partsIn(dataBytes: number): number {
    return Math.ceil(dataBytes / this.partSizeBytes);
  }

  /** Bytes of data in a part of an object that has `dataBytes` of it. */
  partBytes(part: number, dataBytes: number): number {
    return Math.max(0, Math.min(this.partSizeBytes, dataBytes - part * this.partSizeBytes));
  }

  /** First byte of a part in the object. */
  partStart(part: number): number {
    return HEADER_BYTES + part * (this.partSizeBytes + CHECK_BYTES);
  }

  /** First byte of a part's checksum in the object. */
  checkStart(part: number, dataBytes: number): number {
    return this.partStart(part) + this.partBytes(part, dataBytes);
  }

  /** Whether an object of that size can be one of whole sectors. */
  fits(sizeBytes: number, sectorSize: number): boolean {
    const parts = Math.ceil((sizeBytes - HEADER_BYTES) / (this.partSizeBytes + CHECK_BYTES));
    const dataBytes = sizeBytes - HEADER_BYTES - parts * CHECK_BYTES;
    return dataBytes >= 0 && dataBytes % sectorSize === 0 && this.objectBytes(dataBytes) === sizeBytes;
  }

  /** Bytes of an object with that much data. */
  objectBytes(dataBytes: number): number {
    return HEADER_BYTES + dataBytes + this.partsIn(dataBytes) * CHECK_BYTES;
  }
}

/** The checksums of the parts of one object. */
export class PartChecks {
  readonly #place: number;
  readonly #number = Buffer.allocUnsafe(4);

  constructor(volumeId: string, index: number) {
    const place = Buffer.alloc(ID_BYTES + 8);
    place.write(volumeId, 'hex');
    place.writeBigUInt64LE(BigInt(index), ID_BYTES);
    this.#place = crc32(place);
  }

  /** The checksum of a part before any of its data, to go on from: `crc32(data, seed)`. */
  seed(part: number): number {
    this.#number.writeUInt32LE(part);
    return crc32(this.#number, this.#place);
  }
}

/**
 * Writes the header of an object into its first bytes. `partsCheck`: the CRC-32 of all its parts' checksums as they are stored.
 */
export function putHeader(
  object: Uint8Array,
  { volumeId, epoch, writeId, data }: DataObjectStamp,
  partSizeBytes: number,
  partsCheck: number,
): void {
  const header = Buffer.from(object.buffer, object.byteOffset, HEADER_BYTES);
  header.write(MAGIC, AT.magic, 'latin1');
  header.writeUInt32LE(FORMAT_VERSION, AT.version);
  header.writeUInt32LE(partSizeBytes, AT.partSizeBytes);
  header.writeBigUInt64LE(BigInt(data.index), AT.index);
  header.writeBigUInt64LE(BigInt(epoch), AT.epoch);
  header.write(volumeId, AT.volumeId, 'hex');
  header.write(data.opening, AT.opening, 'hex');
  header.write(writeId, AT.writeId, 'hex');
  header.writeBigUInt64LE(BigInt(data.dataBytes), AT.dataBytes);
  header.writeUInt32LE(partsCheck, AT.partsCheck);
  header.writeUInt32LE(crc32(header.subarray(0, AT.headerCheck)), AT.headerCheck);
}

/**
 * Whether an object begins with the header that belongs to that stamp and those parts. Where not all parts are known
 * `partsCheck` is undefined, and what the header says of them is believed.
 */
export function hasHeader(
  object: Uint8Array,
  stamp: DataObjectStamp,
  partSizeBytes: number,
  partsCheck: number | undefined,
): boolean {
  const header = Buffer.from(object.buffer, object.byteOffset, HEADER_BYTES);
  const expected = Buffer.alloc(HEADER_BYTES);
  putHeader(expected, stamp, partSizeBytes, partsCheck ?? header.readUInt32LE(AT.partsCheck));
  return expected.equals(header);
}
