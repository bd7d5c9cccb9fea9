import type { Extent } from '@blockyard/block';

/** A run of bytes that reads as zeroes, or may hold data. */
export interface ByteRun {
  readonly lengthBytes: number;
  readonly zero: boolean;
}

/**
 * Runs of bytes as runs of sectors from sector `start` on. A server's blocks may be smaller than our sectors: a sector is zero
 * where all of it is, and data otherwise.
 */
export function alignExtents(runs: readonly ByteRun[], start: number, sectorSize: number): Extent[] {
  const extents: Extent[] = [];
  const push = (type: Extent['type'], from: number, to: number) => {
    if (to <= from) return;
    const last = extents.at(-1);
    if (last?.type === type) extents[extents.length - 1] = { ...last, count: to - last.start };
    else extents.push({ start: from, count: to - from, type });
  };
  let atBytes = start * sectorSize;
  let doneSectors = start;
  for (const { lengthBytes, zero } of mergeRuns(runs)) {
    const endBytes = atBytes + lengthBytes;
    if (zero) {
      const from = Math.ceil(atBytes / sectorSize);
      const to = Math.floor(endBytes / sectorSize);
      if (to > from) {
        push('data', doneSectors, from);
        push('zero', from, to);
        doneSectors = to;
      }
    }
    atBytes = endBytes;
  }
  push('data', doneSectors, Math.ceil(atBytes / sectorSize));
  return extents;
}

/** Two neighbouring runs of zeroes may make a sector of zeroes together. */
function mergeRuns(runs: readonly ByteRun[]): ByteRun[] {
  const merged: ByteRun[] = [];
  for (const run of runs) {
    const last = merged.at(-1);
    if (last?.zero === run.zero)
      merged[merged.length - 1] = { ...last, lengthBytes: last.lengthBytes + run.lengthBytes };
    else merged.push(run);
  }
  return merged;
}
