import { BlockError } from '@blockyard/block';

const START_BYTES = 256;
/** Seven bits of a number in each byte, the least first; the eighth says that more follow. */
const BITS_EACH = 7;
const MORE = 0x80;
const LOW = 0x7f;
/** 53 bits. */
const VARINT_BYTES_MAX = 8;

/** Puts bytes together: little-endian numbers and varints (LEB128, up to 2^53 - 1). */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(startBytes = START_BYTES) {
    this.#bytes = new Uint8Array(startBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far. A view: it is good until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  varint(value: number): void {
    this.#reserve(VARINT_BYTES_MAX);
    let rest = value;
    while (rest > LOW) {
      this.#bytes[this.#length++] = (rest % MORE) | MORE;
      rest = Math.floor(rest / MORE);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A number of either sign: 0, -1, 1, -2 and so on become 0, 1, 2, 3. Its magnitude is at most 2^52. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** A safe integer. */
  u64(value: number): void {
    this.u32(value % 2 ** 32);
    this.u32(Math.floor(value / 2 ** 32));
  }

  put(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.byteLength;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#length + bytes));
    grown.set(this.bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Takes bytes apart that {@link ByteWriter} put together. Throws `CORRUPT`, beginning with `where`, if there are too few. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  #offset = 0;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
  }

  get offset(): number {
    return this.#offset;
  }

  get leftBytes(): number {
    return this.#bytes.byteLength - this.#offset;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < VARINT_BYTES_MAX; count++) {
      const byte = this.u8();
      value += (byte & LOW) * scale;
      if (byte < MORE) return this.#safe(value);
      scale *= 2 ** BITS_EACH;
    }
    throw this.corrupt('a number is too long');
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): number {
    const low = this.u32();
    return this.#safe(low + this.u32() * 2 ** 32);
  }

  /** A view of the next bytes. */
  take(lengthBytes: number): Uint8Array {
    const offset = this.#take(lengthBytes);
    return this.#bytes.subarray(offset, offset + lengthBytes);
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.leftBytes !== 0) throw this.corrupt(`${this.leftBytes} bytes are left over`);
  }

  corrupt(what: string): BlockError {
    return new BlockError('CORRUPT', `${this.#where}: ${what}`);
  }

  #take(lengthBytes: number): number {
    if (lengthBytes > this.leftBytes) throw this.corrupt('ends too early');
    const offset = this.#offset;
    this.#offset += lengthBytes;
    return offset;
  }

  #safe(value: number): number {
    if (!Number.isSafeInteger(value)) throw this.corrupt('a number is too large');
    return value;
  }
}
