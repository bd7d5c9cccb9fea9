import { readFile } from 'node:fs/promises';
import { BlockError } from '@blockyard/block';

/** Linux counts every device in these, whatever its own sectors are. */
const SYSFS_SECTOR_BYTES = 512;

/**
 * The size of a raw block device, which `stat` gives as zero.
 *
 * Read from sysfs, by the device's number, so that any path to it will do
 * (https://www.kernel.org/doc/Documentation/ABI/stable/sysfs-block). `UNSUPPORTED` where there is no sysfs.
 */
export async function rawDeviceBytes(path: string, rdev: bigint): Promise<number> {
  const { major, minor } = deviceNumber(rdev);
  try {
    const text = await readFile(`/sys/dev/block/${major}:${minor}/size`, 'latin1');
    return Number.parseInt(text, 10) * SYSFS_SECTOR_BYTES;
  } catch (cause) {
    const message = `cannot tell the size of ${path}: raw block devices need Linux with /sys mounted`;
    throw new BlockError('UNSUPPORTED', message, { cause });
  }
}

/** How Linux packs a device's number into `st_rdev`: https://man7.org/linux/man-pages/man3/makedev.3.html */
export function deviceNumber(rdev: bigint): { readonly major: bigint; readonly minor: bigint } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return { major: major & 0xffff_ffffn, minor: minor & 0xffff_ffffn };
}
