import { corrupt, Fields, textOf, unsupported } from './bytes.js';
import {
  COMPRESSION_TYPE,
  CORRUPT,
  DATA_FILE,
  DIRTY,
  EXTENDED_L2,
  extensionsIn,
  IncompatibleFeatures,
} from './features.js';
import { type Geometry, geometryOf, TABLE_ENTRY_BYTES, type TablePlace } from './geometry.js';

/** How clusters are compressed where they are. */
export type Compression = 'zlib' | 'zstd';

/** What an image names as the image below it. */
export interface NamedBacking {
  /** As the image has it: a path, most often relative to the image. It was chosen by the author of the image: do not trust it. */
  readonly name: string;
  /** What the image says that it is: `raw`, `qcow2`, ... Undefined where it does not say. */
  readonly format: string | undefined;
}

/** Where the snapshots are listed. */
export interface SnapshotTablePlace {
  readonly offset: number;
  readonly count: number;
}

/** The header of an image, checked. */
export interface Header {
  readonly version: 2 | 3;
  readonly geometry: Geometry;
  /** Of the disk, in bytes: whole units of 512. */
  readonly sizeBytes: number;
  readonly l1: TablePlace;
  readonly snapshots: SnapshotTablePlace;
  readonly compression: Compression;
  /** It was not closed: its counts of references may be wrong, which no reader needs. */
  readonly isDirty: boolean;
  /** A program has found it damaged, and marked it. */
  readonly isMarkedCorrupt: boolean;
  readonly backing: NamedBacking | undefined;
}

const MAGIC = 0x514649fb;
const V2_BYTES = 72;
const V3_BYTES = 104;
/** Bytes that hold every header, which is read before it is known how large a cluster is. */
export const HEADER_BYTES = 512;

const CLUSTER_BITS_MIN = 9;
const CLUSTER_BITS_MAX = 21;
/** With 32 subclusters, of 512 bytes at least. */
const EXTENDED_CLUSTER_BITS_MIN = 14;
/** Disks are counted in these, whatever the clusters. */
const UNIT_BYTES = 512;
const REFCOUNT_ORDER_MAX = 6;
const BACKING_NAME_BYTES_MAX = 1023;
/** What qemu takes of each. */
const L1_BYTES_MAX = 32 * 2 ** 20;
const REFCOUNT_TABLE_BYTES_MAX = 8 * 2 ** 20;
const SNAPSHOTS_MAX = 65_536;
/** The least that a snapshot takes in the table. */
const SNAPSHOT_BYTES_MIN = 40;

/** Bytes in a cluster, from the first bytes of an image. Throws `CORRUPT` where that is no qcow2 image, `UNSUPPORTED` for other versions. */
export function clusterBytesIn(head: Uint8Array): number {
  const fields = new Fields(head);
  if (head.byteLength < V2_BYTES || fields.u32(0) !== MAGIC) {
    throw corrupt('this is no qcow2 image: it does not begin with "QFI" and a byte of 251');
  }
  const version = fields.u32(4);
  if (version !== 2 && version !== 3) throw unsupported(`version ${version} of qcow2 is not known: only 2 and 3 are`);
  const bits = fields.u32(20);
  if (bits < CLUSTER_BITS_MIN || bits > CLUSTER_BITS_MAX) {
    throw corrupt(`clusters of 2^${bits} bytes: they have 2^${CLUSTER_BITS_MIN} to 2^${CLUSTER_BITS_MAX}`);
  }
  return 2 ** bits;
}

/**
 * Reads the header in the image's first cluster, or what there is of it, and checks every field that a reader needs.
 *
 * @param checkPlace throws `CORRUPT` unless the image has so many bytes at that offset
 */
export function headerIn(
  cluster: Uint8Array,
  checkPlace: (offset: number, length: number, what: string) => void,
): Header {
  const clusterBytes = clusterBytesIn(cluster);
  const fields = new Fields(cluster);
  const version = fields.u32(4) === 2 ? 2 : 3;
  const headerBytes = headerBytesIn(fields, version, cluster.byteLength);
  const features =
    version === 2 ? new IncompatibleFeatures(0, 0) : new IncompatibleFeatures(fields.u32(72), fields.u32(76));
  const place = backingNamePlace(fields, headerBytes, cluster.byteLength);
  const extensions = extensionsIn(cluster.subarray(headerBytes, place?.offset ?? cluster.byteLength), headerBytes);
  features.check(extensions.featureNames);
  refuseUnsupported(fields, features);
  const hasSubclusters = features.has(EXTENDED_L2);
  if (hasSubclusters && clusterBytes < 2 ** EXTENDED_CLUSTER_BITS_MIN) {
    throw corrupt(`clusters of ${clusterBytes} bytes are too small for subclusters`);
  }
  const geometry = geometryOf(clusterBytes, hasSubclusters);
  const sizeBytes = sizeIn(fields);
  checkRefcounts(fields, version, clusterBytes, checkPlace);
  const tables = { geometry, checkPlace };
  return {
    version,
    geometry,
    sizeBytes,
    l1: checkL1({ offset: fields.u64(40), entries: fields.u32(36) }, sizeBytes, tables),
    snapshots: snapshotTablePlace(fields, tables),
    compression: compressionIn(fields, headerBytes, features),
    isDirty: features.has(DIRTY),
    isMarkedCorrupt: features.has(CORRUPT),
    backing:
      place === undefined
        ? undefined
        : {
            name: textOf(cluster.subarray(place.offset, place.offset + place.length), "the backing file's name"),
            format: extensions.backingFormat,
          },
  };
}

function headerBytesIn(fields: Fields, version: 2 | 3, presentBytes: number): number {
  if (version === 2) return V2_BYTES;
  const length = presentBytes < V3_BYTES ? 0 : fields.u32(100);
  if (length >= V3_BYTES && length <= presentBytes && length % 8 === 0) return length;
  throw corrupt(`a header of ${length} bytes: it has whole eights from ${V3_BYTES} to a cluster`);
}

function backingNamePlace(fields: Fields, headerBytes: number, presentBytes: number) {
  const offset = fields.u64(8);
  const length = fields.u32(16);
  if (offset === 0) return undefined;
  if (offset < headerBytes || length === 0 || length > BACKING_NAME_BYTES_MAX || offset + length > presentBytes) {
    throw corrupt(
      `the backing file's name, ${length} bytes at ${offset}, is not in the first cluster, behind the header`,
    );
  }
  return { offset, length };
}

function refuseUnsupported(fields: Fields, features: IncompatibleFeatures): void {
  const method = fields.u32(32);
  if (method > 2) throw corrupt(`the image is encrypted by method ${method}, which there is not`);
  if (method !== 0)
    throw unsupported(`the image is encrypted (${method === 1 ? 'AES' : 'LUKS'}), which is not supported`);
  if (features.has(DATA_FILE)) {
    throw unsupported('the data of the image are in another file, which is not supported: convert it with qemu-img');
  }
}

function sizeIn(fields: Fields): number {
  const sizeBytes = fields.u64(24);
  if (!Number.isSafeInteger(sizeBytes)) throw unsupported('the disk has more than 2^53 - 1 bytes');
  if (sizeBytes % UNIT_BYTES === 0) return sizeBytes;
  throw unsupported(`a disk of ${sizeBytes} bytes is not whole units of ${UNIT_BYTES} bytes`);
}

type CheckPlace = (offset: number, length: number, what: string) => void;

interface Tables {
  readonly geometry: Geometry;
  readonly checkPlace: CheckPlace;
}

/** The first table of a disk, or of a snapshot: it must cover all of it. */
export function checkL1(place: TablePlace, sizeBytes: number, { geometry, checkPlace }: Tables): TablePlace {
  const needed = Math.ceil(sizeBytes / geometry.bytesPerL2);
  const bytes = place.entries * TABLE_ENTRY_BYTES;
  if (bytes > L1_BYTES_MAX) throw corrupt(`the L1 table has ${bytes} bytes, more than ${L1_BYTES_MAX}`);
  if (place.entries < needed) {
    throw corrupt(`the L1 table has ${place.entries} entries, and a disk of ${sizeBytes} bytes needs ${needed}`);
  }
  if (place.entries > 0) checkTable(place.offset, bytes, geometry.clusterBytes, checkPlace, 'the L1 table');
  return place;
}

function checkTable(offset: number, bytes: number, clusterBytes: number, checkPlace: CheckPlace, what: string): void {
  if (offset % clusterBytes !== 0) throw corrupt(`${what} at byte ${offset} does not begin with a cluster`);
  checkPlace(offset, bytes, what);
}

/** No reader needs them. But where not even their place can be right, the image is not what it was. */
function checkRefcounts(fields: Fields, version: 2 | 3, clusterBytes: number, checkPlace: CheckPlace): void {
  const order = version === 2 ? 4 : fields.u32(96);
  if (order > REFCOUNT_ORDER_MAX) throw corrupt(`counts of references of 2^${order} bits: they have 64 at most`);
  const bytes = fields.u32(56) * clusterBytes;
  if (bytes === 0) throw corrupt('the image has no counts of references');
  if (bytes > REFCOUNT_TABLE_BYTES_MAX) {
    throw corrupt(`the table of counts of references has ${bytes} bytes, more than ${REFCOUNT_TABLE_BYTES_MAX}`);
  }
  checkTable(fields.u64(48), bytes, clusterBytes, checkPlace, 'the table of counts of references');
}

function snapshotTablePlace(fields: Fields, { geometry, checkPlace }: Tables): SnapshotTablePlace {
  const place = { offset: fields.u64(64), count: fields.u32(60) };
  if (place.count > SNAPSHOTS_MAX) throw corrupt(`${place.count} snapshots are more than ${SNAPSHOTS_MAX}`);
  if (place.count === 0) return place;
  const leastBytes = place.count * SNAPSHOT_BYTES_MIN;
  checkTable(place.offset, leastBytes, geometry.clusterBytes, checkPlace, 'the table of snapshots');
  return place;
}

const COMPRESSIONS: readonly Compression[] = ['zlib', 'zstd'];

function compressionIn(fields: Fields, headerBytes: number, features: IncompatibleFeatures): Compression {
  const type = headerBytes > V3_BYTES ? fields.u8(V3_BYTES) : 0;
  const compression = COMPRESSIONS[type];
  if (compression === undefined) throw unsupported(`compression of type ${type} is not known`);
  if ((type !== 0) === features.has(COMPRESSION_TYPE)) return compression;
  throw corrupt(`the header and its features disagree on the compression, which would be ${compression}`);
}
