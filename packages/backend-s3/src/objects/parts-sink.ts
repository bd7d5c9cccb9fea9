import { crc32 } from 'node:zlib';
import { BufferCursor } from '@blockyard/block/async';
import type { ByteRange, Sink } from '@blockyard/object-store';
import type { BufferPart } from '../layout/geometry.js';
import { CHECK_BYTES, type DataObjectStamp, HEADER_BYTES, hasHeader, type ObjectFormat, PartChecks } from './format.js';

/**
 * The bytes of an object that hold a range of its data, and what it takes to check it: whole parts, and before the first the
 * header.
 */
export function rangeOfParts(format: ObjectFormat, { offset, lengthBytes }: ByteRange): ByteRange {
  const first = format.partOf(offset);
  const from = first === 0 ? 0 : format.partStart(first);
  return { offset: from, lengthBytes: format.partStart(format.partOf(offset + lengthBytes - 1) + 1) - from };
}

/** Takes the bytes that {@link rangeOfParts} asks for, checks them all, and keeps what is wanted of the data. */
export class PartsSink implements Sink {
  readonly #format: ObjectFormat;
  readonly #checks: PartChecks;
  readonly #stamp: DataObjectStamp;
  readonly #wanted: { readonly from: number; readonly end: number };
  readonly #cursor: BufferCursor;
  /** Empty where it is not among what was asked for. */
  readonly #header: Buffer;
  readonly #stored = Buffer.allocUnsafe(CHECK_BYTES);
  /** The part that comes next; -1 for the header. */
  #part: number;
  /** Bytes of the header, or of the part and its checksum, that have come. */
  #at = 0;
  #computed: number;
  #partsCheck = 0;
  #damage: string | undefined;

  constructor(format: ObjectFormat, stamp: DataObjectStamp, { index, offset, lengthBytes, buffers }: BufferPart) {
    this.#format = format;
    this.#checks = new PartChecks(stamp.volumeId, index);
    this.#stamp = stamp;
    this.#wanted = { from: offset, end: offset + lengthBytes };
    this.#cursor = new BufferCursor(buffers);
    const first = format.partOf(offset);
    this.#part = first === 0 ? -1 : first;
    this.#header = Buffer.alloc(first === 0 ? HEADER_BYTES : 0);
    this.#computed = this.#checks.seed(first);
  }

  /** The first of what came that is not as it must be. */
  get damage(): string | undefined {
    return this.#damage;
  }

  push(piece: Uint8Array): void {
    for (let from = 0; from < piece.byteLength; ) {
      from += this.#part < 0 ? this.#pushHeader(piece, from) : this.#pushPart(piece, from);
    }
  }

  end(): void {
    this.#cursor.fillRestWithZeroes();
    if (this.#damage !== undefined || this.#format.partOf(this.#wanted.from) > 0) return;
    const { dataBytes } = this.#stamp.data;
    const partsCheck = this.#part >= this.#format.partsIn(dataBytes) ? this.#partsCheck : undefined;
    if (hasHeader(this.#header, this.#stamp, this.#format.partSizeBytes, partsCheck)) return;
    this.#damage = 'the header does not fit the stamp and the parts';
  }

  #pushHeader(piece: Uint8Array, from: number): number {
    const length = Math.min(HEADER_BYTES - this.#at, piece.byteLength - from);
    this.#header.set(piece.subarray(from, from + length), this.#at);
    this.#at += length;
    if (this.#at === HEADER_BYTES) this.#begin(0);
    return length;
  }

  #pushPart(piece: Uint8Array, from: number): number {
    const partBytes = this.#format.partBytes(this.#part, this.#stamp.data.dataBytes);
    const isData = this.#at < partBytes;
    const length = Math.min((isData ? partBytes : partBytes + CHECK_BYTES) - this.#at, piece.byteLength - from);
    const bytes = piece.subarray(from, from + length);
    if (isData) this.#takeData(bytes);
    else this.#stored.set(bytes, this.#at - partBytes);
    this.#at += length;
    if (this.#at === partBytes + CHECK_BYTES) this.#endPart();
    return length;
  }

  #takeData(bytes: Uint8Array): void {
    this.#computed = crc32(bytes, this.#computed);
    const position = this.#part * this.#format.partSizeBytes + this.#at;
    const from = Math.max(0, this.#wanted.from - position);
    const end = Math.min(bytes.byteLength, this.#wanted.end - position);
    if (from < end) this.#cursor.fill(bytes.subarray(from, end));
  }

  #endPart(): void {
    if (this.#stored.readUInt32LE() !== this.#computed) this.#damage ??= `part ${this.#part} does not fit its checksum`;
    this.#partsCheck = crc32(this.#stored, this.#partsCheck);
    this.#begin(this.#part + 1);
  }

  #begin(part: number): void {
    this.#part = part;
    this.#at = 0;
    this.#computed = this.#checks.seed(part);
  }
}
