import { BlockError, checkSectorSize, checkSize } from '@blockyard/block';

export interface MemoryOptions {
  /** Size of the device. Costs nothing until it is written to; up to 2^53 - 1 bytes. */
  readonly sizeSectors: number;
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 512. */
  readonly sectorSize?: number;
}

const SECTOR_SIZE = 512;

/** A list that does not compile when an option is missing from it. */
const KNOWN: Readonly<Record<keyof MemoryOptions, true>> = { sizeSectors: true, sectorSize: true };

/** The options with their defaults, or `INVALID_ARGUMENT`. */
export function checkOptions(options: MemoryOptions): Required<MemoryOptions> {
  if (typeof options !== 'object' || options === null) {
    throw new BlockError('INVALID_ARGUMENT', `options must be { sizeSectors, sectorSize? }, not ${String(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(KNOWN, name)) throw new BlockError('INVALID_ARGUMENT', `unknown option "${name}"`);
  }
  const { sizeSectors, sectorSize = SECTOR_SIZE } = options;
  checkSectorSize(sectorSize);
  checkSize(sizeSectors, sectorSize);
  return { sizeSectors, sectorSize };
}
