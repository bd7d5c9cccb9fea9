const CLUSTER = 512;
/** Of the disk in an image. */
export const DISK_BYTES = 8 * CLUSTER;
const FORMAT_NAME = 0xe2792aca;

interface ImageParts {
  /** What the first cluster of the disk is full of. Left out: it is in the backing file. */
  readonly fill?: number;
  readonly backing?: string;
  readonly format?: string;
}

/** A header, a table of counts, a first and a second table, and one cluster of data. */
export function image({ fill, backing, format = 'qcow2' }: ImageParts): Buffer {
  const bytes = Buffer.alloc(5 * CLUSTER);
  const words = [0x514649fb, 2, 0, 0, 0, 9, 0, DISK_BYTES, 0, 1, 0, 2 * CLUSTER, 0, CLUSTER, 1, 0, 0, 0];
  for (const [i, word] of words.entries()) bytes.writeUInt32BE(word, i * 4);
  if (backing !== undefined) {
    bytes.writeUInt32BE(FORMAT_NAME, 72);
    bytes.writeUInt32BE(format.length, 76);
    bytes.write(format, 80);
    bytes.writeUInt32BE(104, 12);
    bytes.writeUInt32BE(Buffer.byteLength(backing), 16);
    bytes.write(backing, 104);
  }
  bytes.writeUInt32BE(3 * CLUSTER, 2 * CLUSTER + 4);
  if (fill === undefined) return bytes;
  bytes.writeUInt32BE(4 * CLUSTER, 3 * CLUSTER + 4);
  return bytes.fill(fill, 4 * CLUSTER);
}
