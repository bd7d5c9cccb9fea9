/** Reversed polynomial of CRC-32 (ISO-HDLC), that of zip and PNG. */
const POLYNOMIAL = 0xedb88320;

/** CRC-32, bit by bit: it is for some dozens of bytes. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
