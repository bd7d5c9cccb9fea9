/**
 * CRC-32 as of zlib, Ethernet and the other formats of this project: polynomial 0xedb88320, reflected. Eight bytes at a time with
 * eight tables ("slicing-by-8": Kounavis and Berry, "A systematic approach to building high performance software-based CRC
 * generators", 2005).
 */
const TABLES = makeTables();

/** The CRC-32 of the bytes, or of what `before` is the CRC-32 of followed by the bytes. An unsigned integer of 32 bits. */
export function crc32(bytes: Uint8Array, before = 0): number {
  const t = TABLES;
  let crc = ~before;
  let at = 0;
  for (const end = bytes.byteLength - 7; at < end; at += 8) {
    crc ^= byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
    crc =
      word(t, 1792 + (crc & 255)) ^
      word(t, 1536 + ((crc >>> 8) & 255)) ^
      word(t, 1280 + ((crc >>> 16) & 255)) ^
      word(t, 1024 + (crc >>> 24)) ^
      word(t, 768 + byte(bytes, at + 4)) ^
      word(t, 512 + byte(bytes, at + 5)) ^
      word(t, 256 + byte(bytes, at + 6)) ^
      word(t, byte(bytes, at + 7));
  }
  for (; at < bytes.byteLength; at++) crc = (crc >>> 8) ^ word(t, (crc ^ byte(bytes, at)) & 255);
  return ~crc >>> 0;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

function word(words: Int32Array, at: number): number {
  return words[at] as number;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[i] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = word(tables, i - 256);
    tables[i] = (before >>> 8) ^ word(tables, before & 255);
  }
  return tables;
}
