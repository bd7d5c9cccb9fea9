import { inflateRawSync } from 'node:zlib';

/**
 * What an image of the builder holds, read as the format's page says it, cluster by cluster, without bounds, caches or haste: to
 * hold the package against. Throws anything where something is wrong. Zeroes stand for what is absent.
 */
export function naiveContents(image: Uint8Array): Buffer {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  const clusterBits = bytes.readUInt32BE(20);
  const clusterBytes = 2 ** clusterBits;
  const isExtended = bytes.readUInt32BE(4) === 3 && (bytes.readUInt32BE(76) & 16) !== 0;
  const entryBytes = isExtended ? 16 : 8;
  const perL2 = clusterBytes / entryBytes;
  const disk = Buffer.alloc(Number(bytes.readBigUInt64BE(24)));
  const l1Offset = Number(bytes.readBigUInt64BE(40));
  for (let start = 0; start < disk.byteLength; start += clusterBytes) {
    const index = start / clusterBytes;
    const l2Offset = bytes.readBigUInt64BE(l1Offset + Math.floor(index / perL2) * 8) & 0x00ff_ffff_ffff_fe00n;
    if (l2Offset === 0n) continue;
    const at = Number(l2Offset) + (index % perL2) * entryBytes;
    const entry = bytes.readBigUInt64BE(at);
    const bitmap = isExtended ? bytes.readBigUInt64BE(at + 8) : 0n;
    clusterOf(bytes, { entry, bitmap, clusterBits, isExtended }).copy(disk, start);
  }
  return disk;
}

interface Entry {
  readonly entry: bigint;
  readonly bitmap: bigint;
  readonly clusterBits: number;
  readonly isExtended: boolean;
}

function clusterOf(bytes: Buffer, { entry, bitmap, clusterBits, isExtended }: Entry): Buffer {
  const clusterBytes = 2 ** clusterBits;
  if ((entry >> 62n) & 1n) {
    const offsetBits = BigInt(62 - (clusterBits - 8));
    const offset = Number(entry & ((1n << offsetBits) - 1n));
    const sectors = Number((entry & ((1n << 62n) - 1n)) >> offsetBits) + 1;
    const end = Math.floor(offset / 512) * 512 + sectors * 512;
    if (end > bytes.byteLength) throw new RangeError('past the end');
    return inflateRawSync(bytes.subarray(offset, end)).subarray(0, clusterBytes);
  }
  const offset = Number(entry & 0x00ff_ffff_ffff_fe00n);
  const cluster = Buffer.alloc(clusterBytes);
  if (offset === 0 || (!isExtended && (entry & 1n) === 1n)) return cluster;
  const parts = isExtended ? 32 : 1;
  const partBytes = clusterBytes / parts;
  for (let i = 0; i < parts; i++) {
    if (isExtended && ((bitmap >> BigInt(i)) & 1n) === 0n) continue;
    const start = offset + i * partBytes;
    if (start + partBytes > bytes.byteLength) throw new RangeError('past the end');
    bytes.copy(cluster, i * partBytes, start, start + partBytes);
  }
  return cluster;
}
