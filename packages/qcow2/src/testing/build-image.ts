import { deflateRawSync } from 'node:zlib';

/** One cluster of the disk, as it is to lie in the image. */
export type ClusterSpec =
  | 'absent'
  | 'zero'
  /** As it is, or compressed. */
  | { readonly data: Uint8Array; readonly compressed?: boolean }
  /** With subclusters: a letter for each of the 32, `d`ata, `z`ero or `-` for absent. */
  | { readonly data: Uint8Array; readonly subclusters: string };

export interface ImageSpec {
  readonly version?: 2 | 3;
  readonly clusterBits?: number;
  /** Default: all clusters. */
  readonly sizeBytes?: number;
  readonly hasSubclusters?: boolean;
  readonly backing?: { readonly name: string; readonly format?: string };
  readonly clusters: readonly ClusterSpec[];
  /** Bits of the incompatible features, beside those that the rest asks for. */
  readonly incompatible?: number;
}

/** Where the parts of an image lie, for tests that damage them. */
export interface BuiltImage {
  readonly bytes: Uint8Array;
  readonly l1Offset: number;
  readonly l2Offsets: readonly number[];
  readonly dataOffset: number;
}

const EXTENDED_L2 = 1 << 4;
const V3_BYTES = 112;
const V2_BYTES = 72;
const BACKING_FORMAT = 0xe2792aca;

/** A qcow2 image in memory, without counts of references, which no reader needs. */
export function buildImage(spec: ImageSpec): BuiltImage {
  const { clusterBits = 12, version = 3, hasSubclusters = false, clusters } = spec;
  const clusterBytes = 2 ** clusterBits;
  const entryBytes = hasSubclusters ? 16 : 8;
  const perL2 = clusterBytes / entryBytes;
  const tables = Math.ceil(clusters.length / perL2);
  const l1Clusters = Math.max(1, Math.ceil((tables * 8) / clusterBytes));
  const l1Offset = 2 * clusterBytes;
  const l2Offset = l1Offset + l1Clusters * clusterBytes;
  const dataOffset = l2Offset + tables * clusterBytes;
  const l2 = Buffer.alloc(tables * clusterBytes);
  const data: Uint8Array[] = [];
  let at = dataOffset;
  for (const [index, cluster] of clusters.entries()) {
    const stored = storedOf(cluster, clusterBytes);
    const entry = entryOf(cluster, at, stored, clusterBits);
    l2.writeBigUInt64BE(entry.word, index * entryBytes);
    if (hasSubclusters) l2.writeBigUInt64BE(entry.bitmap, index * entryBytes + 8);
    if (stored === undefined) continue;
    // Compressed data take whole clusters here, too.
    const room = new Uint8Array(Math.ceil(stored.byteLength / clusterBytes) * clusterBytes);
    room.set(stored);
    data.push(room);
    at += room.byteLength;
  }
  const l1 = Buffer.alloc(l1Clusters * clusterBytes);
  const l2Offsets = Array.from({ length: tables }, (_, i) => l2Offset + i * clusterBytes);
  for (const [i, offset] of l2Offsets.entries()) l1.writeBigUInt64BE(BigInt(offset), i * 8);
  const header = headerOf(spec, { version, clusterBits, l1Offset, tables });
  return {
    bytes: Buffer.concat([header, Buffer.alloc(clusterBytes), l1, l2, ...data]),
    l1Offset,
    l2Offsets,
    dataOffset,
  };
}

function storedOf(cluster: ClusterSpec, clusterBytes: number): Uint8Array | undefined {
  if (typeof cluster === 'string') return undefined;
  if ('subclusters' in cluster) return cluster.subclusters.includes('d') ? cluster.data : undefined;
  if (cluster.compressed !== true) return cluster.data;
  return deflateRawSync(padded(cluster.data, clusterBytes), { windowBits: 12 });
}

function padded(data: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(data);
  return bytes;
}

function entryOf(cluster: ClusterSpec, at: number, stored: Uint8Array | undefined, clusterBits: number) {
  if (cluster === 'absent') return { word: 0n, bitmap: 0n };
  if (cluster === 'zero') return { word: 1n, bitmap: 0n };
  const offset = stored === undefined ? 0n : BigInt(at);
  if ('subclusters' in cluster) {
    const bits = (letter: string) =>
      [...cluster.subclusters].reduce((sum, each, i) => sum | (each === letter ? 1n << BigInt(i) : 0n), 0n);
    return { word: offset, bitmap: bits('d') | (bits('z') << 32n) };
  }
  if (cluster.compressed !== true) return { word: offset, bitmap: 0xffff_ffffn };
  const further = Math.ceil((stored?.byteLength ?? 0) / 512) - 1;
  return { word: (1n << 62n) | (BigInt(further) << BigInt(70 - clusterBits)) | offset, bitmap: 0n };
}

interface Places {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly l1Offset: number;
  readonly tables: number;
}

function headerOf(spec: ImageSpec, { version, clusterBits, l1Offset, tables }: Places): Buffer {
  const clusterBytes = 2 ** clusterBits;
  const header = Buffer.alloc(clusterBytes);
  header.writeUInt32BE(0x514649fb, 0);
  header.writeUInt32BE(version, 4);
  header.writeUInt32BE(clusterBits, 20);
  header.writeBigUInt64BE(BigInt(spec.sizeBytes ?? spec.clusters.length * clusterBytes), 24);
  header.writeUInt32BE(tables, 36);
  header.writeBigUInt64BE(BigInt(l1Offset), 40);
  header.writeBigUInt64BE(BigInt(clusterBytes), 48);
  header.writeUInt32BE(1, 56);
  if (version === 3) {
    header.writeUInt32BE((spec.incompatible ?? 0) | (spec.hasSubclusters === true ? EXTENDED_L2 : 0), 76);
    header.writeUInt32BE(4, 96);
    header.writeUInt32BE(V3_BYTES, 100);
  }
  if (spec.backing !== undefined) writeBacking(header, version === 3 ? V3_BYTES : V2_BYTES, spec.backing);
  return header;
}

function writeBacking(header: Buffer, at: number, { name, format }: NonNullable<ImageSpec['backing']>): void {
  let nameAt = at + 8;
  if (format !== undefined) {
    header.writeUInt32BE(BACKING_FORMAT, at);
    header.writeUInt32BE(format.length, at + 4);
    header.write(format, at + 8);
    nameAt = at + 8 + 16 + 8;
  }
  header.writeBigUInt64BE(BigInt(nameAt), 8);
  header.writeUInt32BE(Buffer.byteLength(name), 16);
  header.write(name, nameAt);
}
