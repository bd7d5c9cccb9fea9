import { type BlockDevice, zeroBuffers } from '@blockyard/block';

/** Bytes of zeroes in one write. */
const WRITE_BYTES_MAX = 1 << 20;

/**
 * Writes zeroes as data, one piece after the other, so that space stays taken where the device's own ways to zero a range may give
 * it back. Between pieces it yields to the event loop: a device in memory would be done with all of them before any I/O was looked at.
 * Rejects with the first error of the device; then each sector is as it was, or zeroes. Resolves early once no one wants it.
 */
export async function writeKeptZeroes(
  device: BlockDevice,
  start: number,
  count: number,
  isWanted: () => boolean,
  yieldToEventLoop: () => Promise<void>,
): Promise<void> {
  const { sectorSize } = device.info;
  const stepSectors = Math.max(1, Math.floor(WRITE_BYTES_MAX / sectorSize));
  const end = start + count;
  for (let at = start; at < end && isWanted(); at += stepSectors) {
    await device.write(at, zeroBuffers(Math.min(stepSectors, end - at) * sectorSize));
    await yieldToEventLoop();
  }
}
