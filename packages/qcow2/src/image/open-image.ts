import { corrupt, unsupported } from '../format/bytes.js';
import type { TablePlace } from '../format/geometry.js';
import { checkL1, clusterBytesIn, HEADER_BYTES, type Header, headerIn } from '../format/header.js';
import { entryShapeIn, FIXED_BYTES, type ListedSnapshot, snapshotIn } from '../format/snapshots.js';
import type { ByteReader } from './byte-reader.js';

/** What qemu takes. */
const SNAPSHOT_TABLE_BYTES_MAX = 64 * 2 ** 20;

/** Reads and checks the header. Rejects with `CORRUPT` or `UNSUPPORTED`. */
export async function readHeader(reader: ByteReader): Promise<Header> {
  const head = await reader.read(0, Math.min(HEADER_BYTES, reader.sizeBytes), 'the header');
  const clusterBytes = clusterBytesIn(head);
  const cluster = await reader.read(0, Math.min(clusterBytes, reader.sizeBytes), 'the header');
  return headerIn(cluster, (offset, length, what) => reader.check(offset, length, what));
}

/** The image's snapshots, in its order. Rejects with `CORRUPT`. */
export async function readSnapshots(reader: ByteReader, { snapshots }: Header): Promise<ListedSnapshot[]> {
  const list: ListedSnapshot[] = [];
  let at = snapshots.offset;
  for (let index = 0; index < snapshots.count; index++) {
    const what = `snapshot ${index}`;
    const shape = entryShapeIn(await reader.read(at, FIXED_BYTES, what), index);
    if (at + shape.totalBytes - snapshots.offset > SNAPSHOT_TABLE_BYTES_MAX) {
      throw corrupt(`the table of snapshots has more than ${SNAPSHOT_TABLE_BYTES_MAX} bytes`);
    }
    // The last entry may end with the image, without what would fill it up.
    const entryBytes = FIXED_BYTES + shape.extraBytes + shape.idBytes + shape.nameBytes;
    list.push(snapshotIn(await reader.read(at, entryBytes, what), shape, index));
    at += shape.totalBytes;
  }
  return list;
}

/** What of an image is read: what it is now, or was. */
export interface View {
  readonly l1: TablePlace;
  readonly sizeBytes: number;
}

/** The image as it is, or was when that snapshot was made. Throws `CORRUPT`. */
export function viewOf(reader: ByteReader, { l1, sizeBytes, geometry }: Header, snapshot?: ListedSnapshot): View {
  if (snapshot === undefined) return { l1, sizeBytes };
  const coveredBytes = snapshot.l1.entries * geometry.bytesPerL2;
  // Old images do not say how large they were; then it was no more than what the table covers.
  const snapshotBytes = snapshot.sizeBytes ?? Math.min(sizeBytes, coveredBytes);
  if (!Number.isSafeInteger(snapshotBytes) || snapshotBytes % 512 !== 0) {
    throw unsupported(`a disk of ${snapshotBytes} bytes, as in that snapshot`);
  }
  const checkPlace = (offset: number, length: number, what: string) => reader.check(offset, length, what);
  return { l1: checkL1(snapshot.l1, snapshotBytes, { geometry, checkPlace }), sizeBytes: snapshotBytes };
}
