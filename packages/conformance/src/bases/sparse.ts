import { type BlockDriver, isZero } from '@blockyard/block';
import type { Shape } from './shape.js';

/**
 * A volume that holds its sectors by number, but for zeroes: one of any size costs nothing, and neither do zeroes written to
 * it.
 */
export function sparseDriver({ sectorSize, sizeSectors }: Shape, sectors = new Map<number, Uint8Array>()): BlockDriver {
  const forget = (start: number, end: number) => {
    for (const sector of [...sectors.keys()]) if (sector >= start && sector < end) sectors.delete(sector);
  };
  return {
    name: 'sparse',
    sectorSize,
    sizeSectors,
    read(start, buffers) {
      forEachBuffer(start, buffers, sectorSize, (first, buffer) => {
        buffer.fill(0);
        const end = first + buffer.byteLength / sectorSize;
        for (const [sector, bytes] of sectors) {
          if (sector >= first && sector < end) buffer.set(bytes, (sector - first) * sectorSize);
        }
      });
    },
    write(start, buffers) {
      forEachBuffer(start, buffers, sectorSize, (first, buffer) => {
        const count = buffer.byteLength / sectorSize;
        forget(first, first + count);
        if (isZero(buffer)) return;
        for (let i = 0; i < count; i++) {
          const bytes = buffer.subarray(i * sectorSize, (i + 1) * sectorSize);
          if (!isZero(bytes)) sectors.set(first + i, new Uint8Array(bytes));
        }
      });
    },
    flush() {},
    resize: (size) => forget(size, Number.POSITIVE_INFINITY),
    discard: (start, count) => forget(start, start + count),
    disconnect() {},
  };
}

function forEachBuffer(
  start: number,
  buffers: readonly Uint8Array[],
  sectorSize: number,
  visit: (first: number, buffer: Uint8Array) => void,
): void {
  let first = start;
  for (const buffer of buffers) {
    visit(first, buffer);
    first += buffer.byteLength / sectorSize;
  }
}
