import { BlockError } from '@blockyard/block';

/** What an image holds is not what it must be. Says what, and where. */
export function corrupt(what: string, options: { readonly cause?: unknown } = {}): BlockError {
  return new BlockError('CORRUPT', what, options);
}

/** The image is as it should be, and has what this package does not read. */
export function unsupported(what: string): BlockError {
  return new BlockError('UNSUPPORTED', what);
}

/** Big-endian numbers in bytes. */
export class Fields {
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(at: number): number {
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    return this.#view.getUint16(at);
  }

  u32(at: number): number {
    return this.#view.getUint32(at);
  }

  /**
   * 64 bits. From 2^53 on the number is rounded, and no safe integer: more bytes than any image has, so that checks of bounds
   * refuse it.
   */
  u64(at: number): number {
    return this.u32(at) * 2 ** 32 + this.u32(at + 4);
  }
}

/** What every platform has of it, without the rest of any platform's types. */
declare const TextDecoder: new (
  encoding: 'utf-8',
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

/** Text in UTF-8, or `CORRUPT`. */
export function textOf(bytes: Uint8Array, what: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch (cause) {
    throw corrupt(`${what} is no text in UTF-8`, { cause });
  }
  throw corrupt(`${what} holds a NUL`);
}
