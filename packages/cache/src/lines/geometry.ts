import type { Line, Sector } from '../tables/numbers.js';

/** Bounds the lookups that gathering one group costs. */
const LINES_PER_GROUP_MAX = 256;

/** What reading ahead asks for at once, where the base does not prefer more: over a link, long reads are what is fast. */
const AHEAD_BYTES = 1 << 20;

/** The sizes that the cache works with, and the arithmetic between them. Places on the device exceed 32 bits. */
export class Geometry {
  /** Bytes. */
  readonly sectorSize: number;
  /** Bytes; what the index holds. */
  readonly lineSize: number;
  readonly sectorsPerLine: number;
  /** Lines that go to the base together: those of one piece of its preferred size. */
  readonly linesPerGroup: number;
  /** Lines that are read ahead by one read of the base, at most: whole groups. */
  readonly linesPerReadAhead: number;

  constructor(sectorSize: number, lineSize: number, preferredIoBytes: number) {
    this.sectorSize = sectorSize;
    this.lineSize = lineSize;
    this.sectorsPerLine = lineSize / sectorSize;
    this.linesPerGroup = Math.min(LINES_PER_GROUP_MAX, Math.max(1, Math.floor(preferredIoBytes / lineSize)));
    const groupBytes = this.linesPerGroup * lineSize;
    this.linesPerReadAhead = this.linesPerGroup * Math.max(1, Math.floor(AHEAD_BYTES / groupBytes));
  }

  /** The line that a sector lies in. */
  lineOf(sector: Sector): Line {
    return Math.floor(sector / this.sectorsPerLine) as Line;
  }

  /** The last line that a range of sectors before `end` touches. */
  lastLine(end: Sector): Line {
    return Math.floor((end - 1) / this.sectorsPerLine) as Line;
  }

  /** The sector of the device that is sector `at` of a line. */
  sectorOf(line: Line, at: number): Sector {
    return (line * this.sectorsPerLine + at) as Sector;
  }

  /** The sector of a line at which a range that begins at `start` begins in it. */
  fromIn(line: Line, start: Sector): number {
    return Math.max(start - line * this.sectorsPerLine, 0);
  }

  /** The sector of a line before which a range that ends before `end` ends in it. */
  toIn(line: Line, end: Sector): number {
    return Math.min(end - line * this.sectorsPerLine, this.sectorsPerLine);
  }
}
