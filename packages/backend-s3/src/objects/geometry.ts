import { byteLengthOf, type Interval, type SectorRange } from '@blockyard/block';

/** The part of a request that falls into one object. */
export interface Part {
  /** Number of the object. */
  readonly index: number;
  /** First byte within the object's data. */
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface BufferPart extends Part {
  /** The part's bytes: views of the caller's buffers. */
  readonly buffers: readonly Uint8Array[];
}

/** How a volume is laid out in objects. */
export class Geometry {
  readonly sectorSize: number;
  readonly objectSizeBytes: number;
  sizeSectors: number;

  constructor(facts: { sectorSize: number; objectSizeBytes: number; sizeSectors: number }) {
    this.sectorSize = facts.sectorSize;
    this.objectSizeBytes = facts.objectSizeBytes;
    this.sizeSectors = facts.sizeSectors;
  }

  get sizeBytes(): number {
    return this.sizeSectors * this.sectorSize;
  }

  /** Objects that the volume's size calls for; those from this number on lie past the end. */
  get objectCount(): number {
    return Math.ceil(this.sizeBytes / this.objectSizeBytes);
  }

  /** Bytes of the volume that lie in an object. Past the end: of a full one. */
  dataBytesOf(index: number): number {
    const left = this.sizeBytes - index * this.objectSizeBytes;
    return left > 0 ? Math.min(left, this.objectSizeBytes) : this.objectSizeBytes;
  }

  /** The object that holds a sector. */
  objectOf(sector: number): number {
    return Math.floor((sector * this.sectorSize) / this.objectSizeBytes);
  }

  /** The part of a range that falls into one object. */
  partOf(index: number, start: number, count: number): Part {
    const objectStart = index * this.objectSizeBytes;
    const from = Math.max(start * this.sectorSize, objectStart);
    const to = Math.min((start + count) * this.sectorSize, objectStart + this.objectSizeBytes);
    return { index, offset: from - objectStart, lengthBytes: to - from };
  }

  /** The sectors of a range that lie in a run of objects. */
  sectorsOf(objects: Interval, start: number, count: number): SectorRange {
    const objectSectors = this.objectSizeBytes / this.sectorSize;
    const from = Math.max(start, objects.start * objectSectors);
    return { start: from, count: Math.min(start + count, objects.end * objectSectors) - from };
  }

  /** Cuts a list of buffers at the borders of objects. Walks the list once, however long it is. */
  *cut(start: number, buffers: readonly Uint8Array[]): Generator<BufferPart> {
    const { objectSizeBytes } = this;
    let position = start * this.sectorSize;
    let left = byteLengthOf(buffers);
    let number = 0;
    let used = 0;
    while (left > 0) {
      const offset = position % objectSizeBytes;
      const lengthBytes = Math.min(objectSizeBytes - offset, left);
      const views: Uint8Array[] = [];
      for (let missing = lengthBytes; missing > 0; ) {
        const buffer = buffers[number];
        if (buffer === undefined) throw new Error('the buffers are shorter than their lengths say');
        const take = Math.min(buffer.byteLength - used, missing);
        if (take > 0) views.push(buffer.subarray(used, used + take));
        missing -= take;
        used += take;
        if (used === buffer.byteLength) {
          number++;
          used = 0;
        }
      }
      yield { index: (position - offset) / objectSizeBytes, offset, lengthBytes, buffers: views };
      position += lengthBytes;
      left -= lengthBytes;
    }
  }
}
