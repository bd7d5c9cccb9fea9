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
