import {
  checkOptionNames,
  checkSectorSize,
  type KnownOptions,
  type SizeOptions,
  sizeSectorsOf,
} from '@blockyard/block';

/** The size, in either form, costs nothing until it is written to. */
export interface MemoryOptions extends SizeOptions {
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 512. */
  readonly sectorSize?: number;
}

const SECTOR_SIZE = 512;

const KNOWN: KnownOptions<MemoryOptions> = { sizeSectors: true, sizeBytes: true, sectorSize: true };

/** A size of sectors, checked. */
export type CheckedOptions = Required<Omit<MemoryOptions, 'sizeBytes'>>;

/** The options with their defaults, or `INVALID_ARGUMENT` or `UNALIGNED`. */
export function checkOptions(options: MemoryOptions): CheckedOptions {
  checkOptionNames(options, KNOWN);
  const { sectorSize = SECTOR_SIZE } = options;
  checkSectorSize(sectorSize);
  return { sizeSectors: sizeSectorsOf(options, sectorSize), sectorSize };
}
