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
  const isInRange = value >= SECTOR_SIZE_MIN && value <= SECTOR_SIZE_MAX;
  const isPowerOfTwo = isInRange && (value & (value - 1)) === 0;
  if (!isPowerOfTwo) {
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

/**
 * A list of buffers, each of which is whole sectors [A3]. Returns a list of its own, so that nothing the caller does to theirs
 * afterwards undoes what was checked, and without empty buffers, which would be a special case in every driver.
 */
export function checkBuffers(buffers: unknown, sectorSize: number): Uint8Array[] {
  if (!Array.isArray(buffers)) {
    throw new BlockError('INVALID_ARGUMENT', `buffers must be an array of Uint8Array, not ${show(buffers)}`);
  }
  const list: Uint8Array[] = buffers.slice();
  let empty = 0;
  for (let i = 0; i < list.length; i++) {
    const byteLength = checkBuffer(list[i], i, sectorSize);
    if (byteLength === 0) empty++;
  }
  return empty === 0 ? list : list.filter((buffer) => buffer.byteLength > 0);
}

/**
 * A list that `checkBuffers` has passed, checked again where an operation had to wait: its owner may have taken memory away
 * meanwhile.
 */
export function checkBuffersAgain(list: readonly Uint8Array[], sectorSize: number, count: number): void {
  const sectors = list.reduce((sum, buffer) => sum + buffer.byteLength / sectorSize, 0);
  const isWhole = sectors === count && list.every(({ byteLength }) => byteLength > 0 && byteLength % sectorSize === 0);
  if (!isWhole) throw new BlockError('INVALID_ARGUMENT', 'a buffer was detached or resized while the operation waited');
}

/** An existing range of the device, the end of which may be the device's [A4, A6]. */
export function checkBounds(start: number, count: number, info: DeviceInfo): void {
  // Written so that no sum can leave the safe integers.
  if (start > info.sizeSectors || count > info.sizeSectors - start) {
    throw new BlockError('OUT_OF_BOUNDS', `the range ends past the device's ${info.sizeSectors} sectors`);
  }
}

/** A `range` as an object of its own, if there is one. */
export function checkRange(range: unknown): SectorRange | undefined {
  if (range === undefined) return undefined;
  if (typeof range !== 'object' || range === null) {
    throw new BlockError('INVALID_ARGUMENT', `range must be { start, count }, not ${show(range)}`);
  }
  const { start, count } = range as Partial<SectorRange>;
  checkInteger(start, 'start');
  checkInteger(count, 'count');
  return { start, count };
}

/** The length of one buffer of a list. */
function checkBuffer(buffer: unknown, index: number, sectorSize: number): number {
  if (!isBytes(buffer)) {
    throw new BlockError('INVALID_ARGUMENT', `buffers[${index}] must be a Uint8Array, not ${show(buffer)}`);
  }
  const { byteLength } = buffer;
  if (byteLength % sectorSize !== 0) {
    throw new BlockError(
      'UNALIGNED',
      `buffers[${index}] has ${byteLength} bytes, which is not a multiple of ${sectorSize}`,
    );
  }
  // Bytes that were transferred to another thread must not pass for an empty buffer.
  if (byteLength === 0 && isGone(buffer)) {
    throw new BlockError('INVALID_ARGUMENT', `buffers[${index}] is detached`);
  }
  return byteLength;
}

/** The engine's own answer to "what kind of typed array is this?": the same in every realm, and nothing can pretend. */
const kindOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as (this: unknown) => string | undefined;

/** A Uint8Array, also of another realm, over any kind of memory. */
export function isBytes(value: unknown): value is Uint8Array {
  return kindOf.call(value) === 'Uint8Array';
}

/** Whether the memory is detached, or was shrunk to before the view. The engine throws when asked for an element. */
function isGone(bytes: Uint8Array): boolean {
  try {
    bytes.at(0);
    return false;
  } catch {
    return true;
  }
}

export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
