import { type BlockDevice, BlockError, checkSectorSize } from '@blockyard/block';
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

/**
 * Refuses a device whose stored facts are not what the URI says, and disconnects it then: a caller that names a sector size
 * counts in it.
 */
export async function checkStored(
  device: BlockDevice,
  name: string,
  stored: number,
  wanted: number | undefined,
): Promise<void> {
  if (wanted === undefined || wanted === stored) return;
  await device.disconnect({ force: true });
  throw new BlockError('INVALID_ARGUMENT', `${device.info.name} was created with ?${name}=${stored}, not ${wanted}`);
}
