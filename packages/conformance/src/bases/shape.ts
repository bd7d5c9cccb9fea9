/** Sector size and size of a volume. */
export interface Shape {
  /** Bytes in a sector: a power of two from 512 to 65,536. */
  readonly sectorSize: number;
  readonly sizeSectors: number;
}
