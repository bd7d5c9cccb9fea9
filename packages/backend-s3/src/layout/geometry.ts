import type { Interval, SectorRange } from '@blockyard/block';
import { BufferCursor } from '@blockyard/block/async';

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

  /** Splits a list of buffers at the borders of objects. Walks the list once, however long it is. */
  *split(start: number, buffers: readonly Uint8Array[]): Generator<BufferPart> {
    const { objectSizeBytes } = this;
    const cursor = new BufferCursor(buffers);
    while (cursor.leftBytes > 0) {
      const position = start * this.sectorSize + cursor.doneBytes;
      const offset = position % objectSizeBytes;
      const lengthBytes = Math.min(objectSizeBytes - offset, cursor.leftBytes);
      const views = cursor.peek(lengthBytes);
      cursor.advance(lengthBytes);
      yield { index: (position - offset) / objectSizeBytes, offset, lengthBytes, buffers: views };
    }
  }
}
