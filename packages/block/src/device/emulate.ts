import type { Extent } from '../contract.js';
import type { BlockDriver } from '../driver.js';

/** One source of zeroes for everybody: no driver writes into the buffers of a write [B2]. */
const ZEROES = new Uint8Array(65_536);

/** Bytes of zeroes in one write, where zeroes must be written. */
const ZERO_WRITE_BYTES_MAX = 1 << 20;

/** Buffers that hold `byteLength` zeroes, cut from one shared block. Nobody may write into them. */
export function zeroBuffers(byteLength: number): Uint8Array[] {
  const buffers: Uint8Array[] = [];
  for (let left = byteLength; left > 0; left -= ZEROES.byteLength) {
    buffers.push(left >= ZEROES.byteLength ? ZEROES : ZEROES.subarray(0, left));
  }
  return buffers;
}

/**
 * Zeroes a range by writing, except what the driver knows to be zero already [Z1, Z2]. Calls `proceed` before each write, which
 * throws to end the work early.
 */
export async function writeZeroesByWriting(
  driver: BlockDriver,
  start: number,
  count: number,
  proceed: () => void,
): Promise<void> {
  const stepSectors = Math.max(1, Math.floor(ZERO_WRITE_BYTES_MAX / driver.sectorSize));
  for (const extent of await extentsOf(driver, start, count)) {
    if (extent.type === 'zero') continue;
    const end = extent.start + extent.count;
    for (let at = extent.start; at < end; at += stepSectors) {
      proceed();
      await driver.write(at, zeroBuffers(Math.min(stepSectors, end - at) * driver.sectorSize));
    }
  }
}

/** The driver's extents with neighbours of one type merged, or one run of data [Z3]. */
export async function extentsOf(driver: BlockDriver, start: number, count: number): Promise<Extent[]> {
  if (driver.extents === undefined) return [{ start, count, type: 'data' }];
  return mergeExtents(await driver.extents(start, count), start, count);
}

/**
 * Merges neighbours of one type, and holds whoever says so to their word: exact cover, in order, or it throws. The objects are the caller's
 * own.
 */
export function mergeExtents(extents: readonly Extent[], start: number, count: number): Extent[] {
  const merged: Extent[] = [];
  let at = start;
  for (const extent of extents) {
    if (extent.start !== at || !Number.isSafeInteger(extent.count) || extent.count < 1) {
      throw new Error(
        `extents must go on at sector ${at} with at least one, not at ${extent.start} with ${extent.count}`,
      );
    }
    if (extent.type !== 'data' && extent.type !== 'zero') throw new Error(`${extent.type} is no type of extent`);
    at += extent.count;
    const last = merged.at(-1);
    if (last?.type === extent.type) {
      merged[merged.length - 1] = { ...last, count: last.count + extent.count };
    } else {
      merged.push({ start: extent.start, count: extent.count, type: extent.type });
    }
  }
  if (at !== start + count) throw new Error(`extents must end at sector ${start + count}, not at ${at}`);
  return merged;
}
