import { corrupt, type Fields } from './bytes.js';
import { type Geometry, SUBCLUSTERS } from './geometry.js';

/** Where the bytes of one cluster of the disk are. */
export type Cluster =
  /** In the image as they are, all of them zero, or in the image below. */
  | { readonly kind: 'plain'; readonly offset: number }
  | { readonly kind: 'zero' }
  | { readonly kind: 'absent' }
  | CompressedCluster
  /** Each subcluster for itself. */
  | SubclusteredCluster;

export interface CompressedCluster {
  readonly kind: 'compressed';
  readonly offset: number;
  /** Bytes in which the compressed data end, somewhere. */
  readonly lengthBytes: number;
}

export interface SubclusteredCluster {
  readonly kind: 'subclusters';
  /** Where the cluster is. Zero: nowhere, and then no subcluster is `plain`. */
  readonly offset: number;
  /** Bit by bit, the first subcluster first. No bit is in both. */
  readonly plain: number;
  readonly zero: number;
}

/** Bits of the upper half of an entry. */
const COMPRESSED = 0x4000_0000;
const HIGH_RESERVED = 0x3f00_0000;
const HIGH_OFFSET = 0x00ff_ffff;
/** Bits of the lower half. */
const LOW_OFFSET = 0xffff_fe00;
const LOW_RESERVED = 0x0000_01fe;
const ZERO = 0x0000_0001;
/** Compressed data are counted in sectors of this size. */
const SECTOR_BYTES = 512;

const has = (word: number, bits: number) => (word & bits) !== 0;
const ALL = 0xffff_ffff;

/** Offset in an entry of either table. */
export function offsetIn(high: number, low: number): number {
  return (high & HIGH_OFFSET) * 2 ** 32 + ((low & LOW_OFFSET) >>> 0);
}

/** Where an L1 entry says that a second table is; 0 where there is none. Throws `CORRUPT`. */
export function l2OffsetIn(fields: Fields, at: number, { clusterBytes }: Geometry, index: number): number {
  const high = fields.u32(at);
  const low = fields.u32(at + 4);
  if (has(high, 0x7f00_0000) || has(low, 0x0000_01ff))
    throw corrupt(`entry ${index} of the L1 table has reserved bits`);
  const offset = offsetIn(high, low);
  if (offset % clusterBytes === 0) return offset;
  throw corrupt(`entry ${index} of the L1 table: byte ${offset} does not begin with a cluster`);
}

/** What an entry of a second table says. `where` names the entry in the message of a `CORRUPT`. */
export function clusterIn(
  fields: Fields,
  at: number,
  version: 2 | 3,
  geometry: Geometry,
  where: () => string,
): Cluster {
  const high = fields.u32(at);
  const low = fields.u32(at + 4);
  if (has(high, COMPRESSED)) {
    if (geometry.hasSubclusters && (fields.u32(at + 8) !== 0 || fields.u32(at + 12) !== 0)) {
      throw corrupt(`${where()} is of a compressed cluster with subclusters`);
    }
    return compressedIn(high, low, geometry);
  }
  const isZero = has(low, ZERO);
  if (has(high, HIGH_RESERVED) || has(low, LOW_RESERVED) || (isZero && (geometry.hasSubclusters || version === 2))) {
    throw corrupt(`${where()} has reserved bits`);
  }
  const offset = offsetIn(high, low);
  if (offset % geometry.clusterBytes !== 0) throw corrupt(`${where()}: byte ${offset} does not begin with a cluster`);
  if (geometry.hasSubclusters) return subclustersIn(offset, fields.u32(at + 12), fields.u32(at + 8), where);
  if (isZero) return { kind: 'zero' };
  return offset === 0 ? { kind: 'absent' } : { kind: 'plain', offset };
}

function subclustersIn(offset: number, plain: number, zero: number, where: () => string): Cluster {
  if (has(plain, zero)) throw corrupt(`${where()} has subclusters that are data and zero at once`);
  if (offset === 0 && plain !== 0) throw corrupt(`${where()} has subclusters that are data and nowhere`);
  if (plain === ALL) return { kind: 'plain', offset };
  if (zero === ALL) return { kind: 'zero' };
  return plain === 0 && zero === 0 ? { kind: 'absent' } : { kind: 'subclusters', offset, plain, zero };
}

/** The lower bits are the offset, the upper ones of the 62 the number of further sectors. */
function compressedIn(high: number, low: number, { clusterBytes }: Geometry): CompressedCluster {
  const offsetBits = 62 - (Math.log2(clusterBytes) - 8);
  const highBits = 2 ** (offsetBits - 32);
  const upper = high & 0x3fff_ffff;
  const offset = (upper % highBits) * 2 ** 32 + low;
  const sectors = Math.floor(upper / highBits) + 1;
  return { kind: 'compressed', offset, lengthBytes: sectors * SECTOR_BYTES - (offset % SECTOR_BYTES) };
}

/** Whether a subcluster's bit is set. */
export function hasSubcluster(bits: number, index: number): boolean {
  return ((bits >>> index) & 1) === 1 && index < SUBCLUSTERS;
}
