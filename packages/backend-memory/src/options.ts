import { checkOptionNames, checkSectorSize, checkSize, type KnownOptions } from '@blockyard/block';

export interface MemoryOptions {
  /** Size of the device. Costs nothing until it is written to; up to 2^53 - 1 bytes. */
  readonly sizeSectors: number;
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 512. */
  readonly sectorSize?: number;
}

const SECTOR_SIZE = 512;

const KNOWN: KnownOptions<MemoryOptions> = { sizeSectors: true, sectorSize: true };

/** The options with their defaults, or `INVALID_ARGUMENT`. */
export function checkOptions(options: MemoryOptions): Required<MemoryOptions> {
  checkOptionNames(options, KNOWN);
  const { sizeSectors, sectorSize = SECTOR_SIZE } = options;
  checkSectorSize(sectorSize);
  checkSize(sizeSectors, sectorSize);
  return { sizeSectors, sectorSize };
}
