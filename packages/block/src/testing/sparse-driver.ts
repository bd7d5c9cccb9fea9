import type { BlockDriver, Extent, SectorRange } from '../index.js';

/** A driver that keeps only sectors that were written, knows its extents, and notes what it was asked to do. */
export interface SparseDriver extends BlockDriver {
  readonly sectors: Map<number, Uint8Array>;
  readonly reads: SectorRange[];
  readonly writes: SectorRange[];
  readonly discards: SectorRange[];
  readonly flushes: (SectorRange | undefined)[];
}

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
      const extents: Extent[] = [];
      let at = start;
      for (const sector of keysIn(start, count)) {
        if (sector > at) extents.push({ start: at, count: sector - at, type: 'zero' });
        extents.push({ start: sector, count: 1, type: 'data' });
        at = sector + 1;
      }
      if (at < start + count) extents.push({ start: at, count: start + count - at, type: 'zero' });
      return extents;
    },
    ...overrides,
  } as SparseDriver;
}

/** `count` sectors that hold `byte` everywhere. */
export function sectorsOf(byte: number, count: number, sectorSize = 512): Uint8Array {
  return new Uint8Array(count * sectorSize).fill(byte);
}

/** Byte for byte; `toEqual` takes its time over arrays of many thousands. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
