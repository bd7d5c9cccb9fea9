import { checkInteger, checkSize } from './check.js';
import { BlockError } from './error.js';

/** The size of a device, in one of two forms: exactly one of them is given. */
export interface SizeOptions {
  /** Sectors. */
  readonly sizeSectors?: number;
  /** The same in bytes: whole sectors. */
  readonly sizeBytes?: number;
}

/**
 * Sectors of a size in either form. Throws `INVALID_ARGUMENT` for none, both, or more than 2^53 - 1 bytes; `UNALIGNED` for bytes
 * that are not whole sectors.
 */
export function sizeSectorsOf({ sizeSectors, sizeBytes }: SizeOptions, sectorSize: number): number {
  if ((sizeSectors === undefined) === (sizeBytes === undefined)) {
    throw new BlockError('INVALID_ARGUMENT', 'give either sizeSectors or sizeBytes');
  }
  if (sizeBytes === undefined) {
    checkSize(sizeSectors, sectorSize);
    return sizeSectors;
  }
  checkInteger(sizeBytes, 'sizeBytes');
  if (sizeBytes % sectorSize === 0) return sizeBytes / sectorSize;
  throw new BlockError('UNALIGNED', `sizeBytes ${sizeBytes} is not a multiple of ${sectorSize}`);
}
