import { isZero } from '@blockyard/block';

/** New contents of a part of an object. */
export interface Patch {
  /** First byte within the object's data. */
  readonly offset: number;
  readonly lengthBytes: number;
  /** The bytes, `lengthBytes` together; left out for zeroes. */
  readonly buffers?: readonly Uint8Array[];
}

export function endOf({ offset, lengthBytes }: Patch): number {
  return offset + lengthBytes;
}

/** Whether the patches together leave nothing of the first `lengthBytes`. */
export function coverAll(patches: readonly Patch[], lengthBytes: number): boolean {
  let covered = 0;
  for (const patch of [...patches].sort((a, b) => a.offset - b.offset)) {
    if (patch.offset > covered) break;
    covered = Math.max(covered, endOf(patch));
  }
  return covered >= lengthBytes;
}

export function allZeroes(patches: readonly Patch[]): boolean {
  return patches.every(({ buffers }) => buffers === undefined);
}

/** Lays the patches over `data`, later ones on top. What lies past the end of `data` must be zeroes and is left out. */
export function applyPatches(data: Uint8Array, patches: readonly Patch[]): void {
  for (const { offset, lengthBytes, buffers } of patches) {
    if (buffers === undefined) {
      data.fill(0, offset, offset + lengthBytes);
      continue;
    }
    let at = offset;
    for (const buffer of buffers) {
      data.set(buffer, at);
      at += buffer.byteLength;
    }
  }
}

/** Length of `data` without the zero sectors at its end. */
export function trimmedLength(data: Uint8Array, sectorSize: number): number {
  let end = data.byteLength;
  while (end > 0) {
    const start = Math.floor((end - 1) / sectorSize) * sectorSize;
    if (!isZero(data.subarray(start, end))) return end;
    end = start;
  }
  return 0;
}
