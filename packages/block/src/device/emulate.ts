import { zeroBuffers } from '../buffers.js';
import type { Extent } from '../contract.js';
import type { BlockDriver } from '../driver.js';
import { mergeExtents } from '../extents.js';

/** Bytes of zeroes in one write, where zeroes must be written. */
const ZERO_WRITE_BYTES_MAX = 1 << 20;

/**
 * Zeroes a range by writing, except what the driver knows to be zero already [Z1, Z2]. Calls `throwIfStopped` before each
 * write, which throws to end the work early.
 */
export async function writeZeroesByWriting(
  driver: BlockDriver,
  start: number,
  count: number,
  throwIfStopped: () => void,
): Promise<void> {
  const stepSectors = Math.max(1, Math.floor(ZERO_WRITE_BYTES_MAX / driver.sectorSize));
  for (const extent of await extentsOf(driver, start, count)) {
    if (extent.type === 'zero') continue;
    const end = extent.start + extent.count;
    for (let at = extent.start; at < end; at += stepSectors) {
      throwIfStopped();
      await driver.write(at, zeroBuffers(Math.min(stepSectors, end - at) * driver.sectorSize));
    }
  }
}

/** The driver's extents with neighbours of one type merged, or one run of data [Z3]. */
export async function extentsOf(driver: BlockDriver, start: number, count: number): Promise<Extent[]> {
  if (driver.extents === undefined) return [{ start, count, type: 'data' }];
  return mergeExtents(await driver.extents(start, count), start, count);
}
