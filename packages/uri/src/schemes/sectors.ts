import { BlockError, checkSectorSize } from '@blockyard/block';
import type { DeviceUri } from '../syntax/device-uri.js';

/** Sectors of a size in bytes. Throws `UNALIGNED`, or `INVALID_ARGUMENT` for a wrong sector size. */
export function sectorsOf(sizeBytes: number, sectorSize: number): number {
  checkSectorSize(sectorSize);
  if (sizeBytes % sectorSize === 0) return sizeBytes / sectorSize;
  throw new BlockError('UNALIGNED', `a size of ${sizeBytes} bytes is not whole sectors of ${sectorSize} bytes`);
}

/** `?sector=` of a URI. */
export function sectorSizeOf(uri: DeviceUri): number | undefined {
  const sectorSize = uri.size('sector');
  if (sectorSize !== undefined) checkSectorSize(sectorSize);
  return sectorSize;
}
