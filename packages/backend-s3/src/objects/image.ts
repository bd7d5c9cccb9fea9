import { crc32 } from 'node:zlib';
import { isZero } from '@blockyard/block';
import { CHECK_BYTES, type DataObjectStamp, hasHeader, type ObjectFormat, PartChecks, putHeader } from './format.js';
import { HEADER_BYTES_V1 } from './object-v1.js';
import { endOf, type Patch } from './patch.js';

/** What the images of one volume's objects have in common. */
export interface ImageFacts {
  readonly format: ObjectFormat;
  readonly volumeId: string;
  readonly sectorSize: number;
  readonly objectSizeBytes: number;
}

/**
 * A data object in memory as it is stored, header, checksums and all, to be changed in place. A PUT sends it without a copy.
 *
 * Where there is no data yet the bytes are zeroes: behind the end of the data, and where a checksum is to come.
 */
export class ObjectImage {
  readonly #facts: ImageFacts;
  readonly #checks: PartChecks;
  #bytes: Uint8Array;
  #view: DataView;
  #dataBytes = 0;
  /** Parts whose checksums are not what they hold. */
  readonly #changed = new Set<number>();

  /** Room for `capacityBytes` of data; it grows when there is more. */
  constructor(facts: ImageFacts, index: number, capacityBytes: number) {
    this.#facts = facts;
    this.#checks = new PartChecks(facts.volumeId, index);
    this.#bytes = new Uint8Array(facts.format.objectBytes(capacityBytes));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Memory that it takes. */
  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /** To read an object of any version into, whole; then call {@link check} or {@link takeV1}. */
  get buffer(): Uint8Array {
    return this.#bytes;
  }

  /**
   * Whether the bytes are all that the stamp says, whole and unchanged. If so they can be changed; if not the image is good for
   * nothing.
   */
  check(stamp: DataObjectStamp): boolean {
    const { format } = this.#facts;
    const { dataBytes } = stamp.data;
    this.#dataBytes = dataBytes;
    this.#changed.clear();
    if (this.#bytes.byteLength < format.objectBytes(dataBytes)) return false;
    for (let part = 0; part < format.partsIn(dataBytes); part++) {
      if (this.#view.getUint32(format.checkStart(part, dataBytes), true) !== this.#checkOf(part)) return false;
    }
    if (!hasHeader(this.#bytes, stamp, format.partSizeBytes, this.#partsCheck())) return false;
    this.#openEnd();
    return true;
  }

  /** Takes an object of version 1 and `sizeBytes` for what it is. */
  takeV1(sizeBytes: number): void {
    const data = this.#bytes.slice(HEADER_BYTES_V1, sizeBytes);
    this.#bytes.fill(0);
    this.#dataBytes = 0;
    this.apply([{ offset: 0, lengthBytes: data.byteLength, buffers: [data] }]);
  }

  /** Lays the patches over the data, later ones on top. */
  apply(patches: readonly Patch[]): void {
    this.#openEnd();
    for (const patch of patches) {
      // Zeroes behind the end are there already.
      if (patch.buffers === undefined) this.#zero(patch.offset, Math.min(endOf(patch), this.#dataBytes));
      else this.#write(patch.offset, patch.buffers);
    }
    this.#trim();
  }

  /** Whether there is nothing but zeroes. */
  get isEmpty(): boolean {
    return this.#dataBytes === 0;
  }

  get dataBytes(): number {
    return this.#dataBytes;
  }

  /** The object as it is to be stored under that stamp. */
  seal(stamp: DataObjectStamp): Uint8Array {
    const { format } = this.#facts;
    for (const part of this.#changed) {
      if (part < format.partsIn(this.#dataBytes)) this.#putCheck(part);
    }
    this.#changed.clear();
    putHeader(this.#bytes, stamp, format.partSizeBytes, this.#partsCheck());
    return this.#bytes.subarray(0, format.objectBytes(this.#dataBytes));
  }

  #write(offset: number, buffers: readonly Uint8Array[]): void {
    let at = offset;
    for (const buffer of buffers) {
      this.#reserve(at + buffer.byteLength);
      for (const { byte, from, length } of this.#runs(at, at + buffer.byteLength)) {
        this.#bytes.set(buffer.subarray(from, from + length), byte);
      }
      at += buffer.byteLength;
    }
    if (at > this.#dataBytes) this.#setEnd(at);
  }

  #zero(offset: number, end: number): void {
    for (const { byte, length } of this.#runs(offset, end)) this.#bytes.fill(0, byte, byte + length);
  }

  /** Cuts a range of the data where its bytes do not lie side by side, and marks the parts as changed. */
  *#runs(offset: number, end: number): Generator<{ byte: number; from: number; length: number }> {
    const { format } = this.#facts;
    for (let at = offset; at < end; ) {
      const part = format.partOf(at);
      const within = at - part * format.partSizeBytes;
      const length = Math.min(format.partSizeBytes - within, end - at);
      this.#changed.add(part);
      yield { byte: format.partStart(part) + within, from: at - offset, length };
      at += length;
    }
  }

  /** Leaves out zero sectors at the end. */
  #trim(): void {
    const { format, sectorSize } = this.#facts;
    let end = this.#dataBytes;
    while (end > 0) {
      const sector = end - sectorSize;
      const part = format.partOf(sector);
      const byte = format.partStart(part) + sector - part * format.partSizeBytes;
      if (!isZero(this.#bytes.subarray(byte, byte + sectorSize))) break;
      end = sector;
    }
    this.#setEnd(end);
  }

  /** Another length makes parts longer, shorter, or new. */
  #setEnd(dataBytes: number): void {
    const { format } = this.#facts;
    if (dataBytes === this.#dataBytes) return;
    const [less, more] = dataBytes < this.#dataBytes ? [dataBytes, this.#dataBytes] : [this.#dataBytes, dataBytes];
    for (let part = format.partOf(less); part < format.partsIn(more); part++) this.#changed.add(part);
    this.#dataBytes = dataBytes;
  }

  /** The checksum of a last part that is not full lies where there will be data when the object grows. */
  #openEnd(): void {
    const { format } = this.#facts;
    const last = format.partsIn(this.#dataBytes) - 1;
    if (last < 0 || this.#changed.has(last)) return;
    if (format.partBytes(last, this.#dataBytes) === format.partSizeBytes) return;
    const at = format.checkStart(last, this.#dataBytes);
    this.#bytes.fill(0, at, at + CHECK_BYTES);
    this.#changed.add(last);
  }

  #reserve(dataBytes: number): void {
    const { format, objectSizeBytes } = this.#facts;
    if (format.objectBytes(dataBytes) <= this.#bytes.byteLength) return;
    // Doubled, so that an object that grows by little writes is not copied with each.
    const capacityBytes = Math.min(Math.max(dataBytes, 2 * this.#dataBytes), objectSizeBytes);
    const bytes = new Uint8Array(format.objectBytes(capacityBytes));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  #checkOf(part: number): number {
    const { format } = this.#facts;
    const start = format.partStart(part);
    return crc32(this.#bytes.subarray(start, start + format.partBytes(part, this.#dataBytes)), this.#checks.seed(part));
  }

  #putCheck(part: number): void {
    this.#view.setUint32(this.#facts.format.checkStart(part, this.#dataBytes), this.#checkOf(part), true);
  }

  /** The checksum of all parts' checksums. */
  #partsCheck(): number {
    const { format } = this.#facts;
    const parts = format.partsIn(this.#dataBytes);
    const checks = new Uint8Array(parts * CHECK_BYTES);
    for (let part = 0; part < parts; part++) {
      const at = format.checkStart(part, this.#dataBytes);
      checks.set(this.#bytes.subarray(at, at + CHECK_BYTES), part * CHECK_BYTES);
    }
    return crc32(checks);
  }
}
