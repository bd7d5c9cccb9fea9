import { type BlockDriver, extentsOfData, type SectorRange } from '../index.js';

/** A driver that keeps the sectors that were written and no others, knows its extents, and records what it was asked to do. */
export interface SparseDriver extends BlockDriver {
  readonly sectors: Map<number, Uint8Array>;
  readonly reads: SectorRange[];
  readonly writes: SectorRange[];
  readonly discards: SectorRange[];
  readonly flushes: (SectorRange | undefined)[];
}

/** A {@link SparseDriver} of zeroes. */
export function sparseDriver(
  sectorSize: number,
  sizeSectors: number,
  overrides: Partial<BlockDriver> = {},
): SparseDriver {
  const sectors = new Map<number, Uint8Array>();
  const reads: SectorRange[] = [];
  const writes: SectorRange[] = [];
  const discards: SectorRange[] = [];
  const flushes: (SectorRange | undefined)[] = [];

  const eachSector = (start: number, buffers: readonly Uint8Array[], visit: (n: number, bytes: Uint8Array) => void) => {
    let sector = start;
    for (const buffer of buffers) {
      for (let at = 0; at < buffer.byteLength; at += sectorSize) visit(sector++, buffer.subarray(at, at + sectorSize));
    }
    return { start, count: sector - start };
  };
  const keysIn = (start: number, count: number) =>
    [...sectors.keys()].filter((sector) => sector >= start && sector < start + count).sort((a, b) => a - b);

  return {
    name: 'sparse',
    sectorSize,
    sizeSectors,
    atomicSectors: true,
    sectors,
    reads,
    writes,
    discards,
    flushes,
    read(start, buffers) {
      const zero = new Uint8Array(sectorSize);
      reads.push(eachSector(start, buffers, (sector, bytes) => bytes.set(sectors.get(sector) ?? zero)));
    },
    write(start, buffers) {
      writes.push(eachSector(start, buffers, (sector, bytes) => sectors.set(sector, bytes.slice())));
    },
    flush(range) {
      flushes.push(range);
    },
    resize(size) {
      for (const sector of sectors.keys()) if (sector >= size) sectors.delete(sector);
    },
    disconnect() {},
    discard(start, count) {
      discards.push({ start, count });
      for (const sector of keysIn(start, count)) sectors.delete(sector);
    },
    extents(start, count) {
      return extentsOfData(
        start,
        count,
        keysIn(start, count).map((sector) => ({ start: sector, count: 1 })),
      );
    },
    ...overrides,
  } as SparseDriver;
}
