/** Integers and strings as the wire has them: unsigned, big-endian, numbers instead of bigints. */

const HALF = 0x1_0000_0000;
/** High half of the first number that is not a safe integer. */
const HIGH_MAX = 0x20_0000;

/** A u64, or `undefined` if it is above 2^53 - 1. */
export function readU64(view: DataView, at: number): number | undefined {
  const high = view.getUint32(at);
  return high < HIGH_MAX ? high * HALF + view.getUint32(at + 4) : undefined;
}

/** Writes a safe integer as a u64. */
export function writeU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / HALF));
  view.setUint32(at + 4, value % HALF);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes [`from`, `to`) as they lie there. `subarray` makes a `Buffer` of a part of a `Buffer`, which takes longer. */
export function sliceOf({ buffer, byteOffset }: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset + from, to - from);
}

/** Memory that is not zeroed first: the caller fills it before it is sent. */
export function allocateBytes(lengthBytes: number): Buffer {
  return Buffer.allocUnsafeSlow(lengthBytes);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text, or `undefined` if the bytes are no UTF-8 or hold a NUL. */
export function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes put one after another, for what is small and rare: the messages of the handshake. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];
  #lengthBytes = 0;

  u16(value: number): this {
    const part = new Uint8Array(2);
    viewOf(part).setUint16(0, value);
    return this.bytes(part);
  }

  u32(value: number): this {
    const part = new Uint8Array(4);
    viewOf(part).setUint32(0, value);
    return this.bytes(part);
  }

  u64(value: number): this {
    const part = new Uint8Array(8);
    writeU64(viewOf(part), 0, value);
    return this.bytes(part);
  }

  /** A 64-bit magic. */
  magic([high, low]: readonly [number, number]): this {
    return this.u32(high).u32(low);
  }

  /** A length of 32 bits, then the text. */
  text(text: string): this {
    const part = encodeText(text);
    return this.u32(part.byteLength).bytes(part);
  }

  bytes(part: Uint8Array): this {
    this.#parts.push(part);
    this.#lengthBytes += part.byteLength;
    return this;
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#lengthBytes);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.byteLength;
    }
    return whole;
  }
}

/** Bytes taken one after another. What runs past the end is `undefined`, and so is all that follows. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  get leftBytes(): number {
    return this.#bytes.byteLength - this.#at;
  }

  u16(): number | undefined {
    return this.#take(2) ? this.#view.getUint16(this.#at - 2) : undefined;
  }

  u32(): number | undefined {
    return this.#take(4) ? this.#view.getUint32(this.#at - 4) : undefined;
  }

  u64(): number | undefined {
    return this.#take(8) ? readU64(this.#view, this.#at - 8) : undefined;
  }

  /** A length of 32 bits, then that many bytes of text, `maxBytes` of them at most. */
  text(maxBytes: number): string | undefined {
    const lengthBytes = this.u32();
    if (lengthBytes === undefined || lengthBytes > maxBytes) return this.#spoil();
    return this.rest(lengthBytes);
  }

  /** The next `lengthBytes` bytes, by default all that are left, as text. */
  rest(lengthBytes: number = this.leftBytes): string | undefined {
    if (!this.#take(lengthBytes)) return undefined;
    return decodeText(this.#bytes.subarray(this.#at - lengthBytes, this.#at));
  }

  #take(lengthBytes: number): boolean {
    if (lengthBytes > this.leftBytes) {
      this.#spoil();
      return false;
    }
    this.#at += lengthBytes;
    return true;
  }

  #spoil(): undefined {
    this.#at = this.#bytes.byteLength;
  }
}
