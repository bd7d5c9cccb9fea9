/** The sizes that the cache works with, and the arithmetic between them. Positions on the device exceed 32 bits. */
export interface Geometry {
  /** Bytes. */
  readonly sectorSize: number;
  /** Bytes; what the index holds. */
  readonly lineSize: number;
  readonly sectorsPerLine: number;
  /** Lines that go to the base together: those of one piece of its preferred size. */
  readonly linesPerGroup: number;
}

/** Bounds the lookups that gathering one group costs. */
const LINES_PER_GROUP_MAX = 256;

export function geometryOf(sectorSize: number, lineSize: number, preferredIoBytes: number): Geometry {
  const linesPerGroup = Math.min(LINES_PER_GROUP_MAX, Math.max(1, Math.floor(preferredIoBytes / lineSize)));
  return { sectorSize, lineSize, sectorsPerLine: lineSize / sectorSize, linesPerGroup };
}
