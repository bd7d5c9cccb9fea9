/** What stores the sectors. Stands for yours: a key-value store, a service, a disk. */
export interface Medium {
  readonly sectorSize: number;
  sizeSectors: number;
  /** Sectors by number. One that is not there reads as zeroes. */
  readonly sectors: Map<number, Uint8Array>;
}

/** A new medium, without any sector stored. */
export function createMedium(sectorSize: number, sizeSectors: number): Medium {
  return { sectorSize, sizeSectors, sectors: new Map() };
}
