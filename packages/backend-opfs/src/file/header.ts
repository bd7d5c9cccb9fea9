import { BlockError } from '@blockyard/block';
import { crc32 } from './crc32.js';

/** What is stored of a volume beside its sectors. */
export interface Header {
  readonly sectorSize: number;
  readonly sizeSectors: number;
  /** Counts the changes of the header. The larger one of two is the newer. */
  readonly generation: number;
}

/** The version of the format that this package writes, and the only one that it reads. */
export const FORMAT_VERSION = 1;
/** Bytes of a header, at the beginning of its slot. */
export const HEADER_BYTES = 36;
/** Two slots, each a page by itself, so that no crash can tear both. */
export const SLOT_BYTES = 4096;
export const SLOTS = 2;
/** Where sector 0 begins: sectors of any size are aligned to pages. */
export const DATA_START_BYTES = 65_536;

/** `BLKYOPFS`. */
const MAGIC = Uint8Array.of(0x42, 0x4c, 0x4b, 0x59, 0x4f, 0x50, 0x46, 0x53);
const CRC_AT = HEADER_BYTES - 4;

/** The header as it is stored: see the README for the table. */
export function encodeHeader({ sectorSize, sizeSectors, generation }: Header): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, sectorSize, true);
  view.setBigUint64(16, BigInt(sizeSectors), true);
  view.setBigUint64(24, BigInt(generation), true);
  view.setUint32(CRC_AT, crc32(bytes.subarray(0, CRC_AT)), true);
  return bytes;
}

/** The newest header among the slots, as `slots` holds them, one after the other; undefined where none was ever written. */
export function decodeHeaders(slots: Uint8Array): Header | undefined {
  const all = Array.from({ length: SLOTS }, (_, i) => slots.subarray(i * SLOT_BYTES, i * SLOT_BYTES + HEADER_BYTES));
  const written = all.filter((slot) => slot.some((byte) => byte !== 0));
  if (written.length === 0) return undefined;
  const [first, ...others] = written.flatMap((slot) => decodeHeader(slot) ?? []);
  if (first === undefined) throw new BlockError('CORRUPT', 'no header of the volume is whole');
  return others.reduce((newest, each) => (each.generation > newest.generation ? each : newest), first);
}

/** Undefined where it is not whole. Throws `UNSUPPORTED` where a newer version of this package wrote it. */
function decodeHeader(bytes: Uint8Array): Header | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < HEADER_BYTES || !MAGIC.every((byte, i) => byte === bytes[i])) return undefined;
  const version = view.getUint32(8, true);
  if (version > FORMAT_VERSION) {
    throw new BlockError('UNSUPPORTED', `the volume has format ${version}, and this is for ${FORMAT_VERSION}`);
  }
  if (crc32(bytes.subarray(0, CRC_AT)) !== view.getUint32(CRC_AT, true)) return undefined;
  return {
    sectorSize: view.getUint32(12, true),
    sizeSectors: Number(view.getBigUint64(16, true)),
    generation: Number(view.getBigUint64(24, true)),
  };
}
