import { checkInteger, checkSectorSize, checkSize } from '../check.js';
import type { DeviceInfo } from '../contract.js';
import type { BlockDriver } from '../driver.js';
import { BlockError } from '../error.js';

/** What a driver that does not say prefers, unless a sector is more. */
const PREFERRED_IO_BYTES = 65_536;

/** The facts about a driver, completed. Throws `INVALID_ARGUMENT` if one of them is wrong. */
export function infoOf(driver: BlockDriver): DeviceInfo {
  const { name, sectorSize, sizeSectors, readOnly = false } = driver;
  checkSectorSize(sectorSize);
  checkSize(sizeSectors, sectorSize);
  const preferredIoBytes = driver.preferredIoBytes ?? Math.max(PREFERRED_IO_BYTES, sectorSize);
  checkInteger(preferredIoBytes, 'preferredIoBytes');
  if (preferredIoBytes === 0 || preferredIoBytes % sectorSize !== 0) {
    throw new BlockError('INVALID_ARGUMENT', `preferredIoBytes ${preferredIoBytes} is not whole sectors`);
  }
  const native = Object.freeze({
    discard: driver.discard !== undefined,
    writeZeroes: driver.writeZeroes !== undefined || driver.discard !== undefined,
    extents: driver.extents !== undefined,
  });
  return Object.freeze({ name, sectorSize, sizeSectors, readOnly, preferredIoBytes, native });
}
