/** Numbers and ids as the format has them: little-endian; ids are 16 bytes, shown as hexadecimal digits. */

export const ID_BYTES = 16;
/** The id that is no id. */
export const NO_ID = '0'.repeat(2 * ID_BYTES);

// What every platform of this package has, without the rest of any platform's types.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function setLong(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** Beyond 2^53 it is not exact: what is checked against a CRC has no such number. */
export function getLong(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

export function setId(bytes: Uint8Array, at: number, id: string): void {
  for (let i = 0; i < ID_BYTES; i++) bytes[at + i] = Number.parseInt(id.slice(2 * i, 2 * i + 2), 16);
}

export function getId(bytes: Uint8Array, at: number): string {
  return idOf(bytes.subarray(at, at + ID_BYTES));
}

/** Whether the value is an id, and not `NO_ID`. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value) && value !== NO_ID;
}

export function idOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** ASCII. */
export function setText(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

export function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
