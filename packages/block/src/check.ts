import { type DeviceInfo, SECTOR_SIZE_MAX, SECTOR_SIZE_MIN, type SectorRange } from './contract.js';
import { BlockError } from './error.js';

/** Argument checks, each throwing the `BlockError` that the contract names for it. */

/** A non-negative safe integer [A5]. */
export function checkInteger(value: unknown, what: string): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new BlockError('INVALID_ARGUMENT', `${what} must be a non-negative safe integer, not ${show(value)}`);
  }
}

/** A power of two from 512 to 65,536. */
export function checkSectorSize(value: unknown): asserts value is number {
  checkInteger(value, 'sectorSize');
  const isPowerOfTwo = Number.isInteger(Math.log2(value));
  if (!isPowerOfTwo || value < SECTOR_SIZE_MIN || value > SECTOR_SIZE_MAX) {
    throw new BlockError(
      'INVALID_ARGUMENT',
      `sectorSize must be a power of two from ${SECTOR_SIZE_MIN} to ${SECTOR_SIZE_MAX}, not ${value}`,
    );
  }
}

/** A size in sectors whose length in bytes is a safe integer too [A5]. */
export function checkSize(sizeSectors: unknown, sectorSize: number): asserts sizeSectors is number {
  checkInteger(sizeSectors, 'sizeSectors');
  if (!Number.isSafeInteger(sizeSectors * sectorSize)) {
    throw new BlockError(
      'INVALID_ARGUMENT',
      `${sizeSectors} sectors of ${sectorSize} bytes are more than 2^53 - 1 bytes`,
    );
  }
}

/** Sectors in a list of buffers, each of which is whole sectors [A3]. */
export function checkBuffers(buffers: unknown, sectorSize: number): number {
  if (!Array.isArray(buffers)) {
    throw new BlockError('INVALID_ARGUMENT', `buffers must be an array of Uint8Array, not ${show(buffers)}`);
  }
  let bytes = 0;
  for (let i = 0; i < buffers.length; i++) {
    const buffer: unknown = buffers[i];
    if (!isBytes(buffer)) {
      throw new BlockError('INVALID_ARGUMENT', `buffers[${i}] must be a Uint8Array, not ${show(buffer)}`);
    }
    const length = buffer.byteLength;
    if (length % sectorSize !== 0) {
      throw new BlockError('UNALIGNED', `buffers[${i}] has ${length} bytes, which is not a multiple of ${sectorSize}`);
    }
    bytes += length;
  }
  return bytes / sectorSize;
}

/** An existing range of the device, the end of which may be the device's [A4, A6]. */
export function checkBounds(start: number, count: number, info: DeviceInfo): void {
  // Written so that no sum can leave the safe integers.
  if (start > info.sizeSectors || count > info.sizeSectors - start) {
    throw new BlockError(
      'OUT_OF_BOUNDS',
      `${count} sectors from ${start} end past the device's ${info.sizeSectors} sectors`,
    );
  }
}

/** The shape of an optional `range`. */
export function checkRange(range: unknown): asserts range is SectorRange | undefined {
  if (range === undefined) return;
  if (typeof range !== 'object' || range === null) {
    throw new BlockError('INVALID_ARGUMENT', `range must be { start, count }, not ${show(range)}`);
  }
  const { start, count } = range as Partial<SectorRange>;
  checkInteger(start, 'start');
  checkInteger(count, 'count');
}

/** A Uint8Array, also of another realm. */
function isBytes(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true;
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]';
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
