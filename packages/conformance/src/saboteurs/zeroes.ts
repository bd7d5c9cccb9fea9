import { byteLengthOf, zeroBuffers } from '@blockyard/block';
import { passThrough } from './pass-through.js';
import { type Saboteur, saboteur, spoil, wrapperSaboteur } from './saboteur.js';
import { writeBack } from './write-back.js';

const CHUNK_SECTORS = 8;
const ZEROED_MAX_BYTES = 65_536;

export const zeroesSaboteurs: readonly Saboteur[] = [
  saboteur('Z1', 'forgets a hole', () => ({ discard: async () => {} })),
  saboteur('Z1', 'discards whole chunks only', (good) => ({
    discard(start, count) {
      const from = Math.ceil(start / CHUNK_SECTORS) * CHUNK_SECTORS;
      const to = Math.floor((start + count) / CHUNK_SECTORS) * CHUNK_SECTORS;
      return good.discard(from, Math.max(0, to - from));
    },
  })),
  saboteur('Z1', 'discards the rest of a chunk too', (good) => ({
    discard(start, count) {
      const from = Math.floor(start / CHUNK_SECTORS) * CHUNK_SECTORS;
      const to = Math.ceil((start + count) / CHUNK_SECTORS) * CHUNK_SECTORS;
      return good.discard(from, Math.min(to, good.info.sizeSectors) - from);
    },
  })),
  saboteur('Z1', 'leaves the last sector when it writes zeroes', (good) => ({
    writeZeroes: (start, count) => good.writeZeroes(start, Math.max(0, count - 1)),
  })),
  saboteur('Z1', 'takes a range that begins with zeroes for zeroes', (good, memory) => ({
    async discard(start, count) {
      const { sectorSize } = good.info;
      const first = memory.bytes.subarray(start * sectorSize, (start + 1) * sectorSize);
      await good.discard(start, first.every((byte) => byte === 0) ? 0 : count);
    },
  })),
  saboteur('Z2', 'zeroes its first sector whatever is asked', (good) => ({
    async writeZeroes(start, count) {
      await good.writeZeroes(start, count);
      await good.writeZeroes(5, 1);
    },
  })),
  wrapperSaboteur('Z2', 'writes zeroes over what is zero', (base) =>
    spoil(passThrough(base), (good) => ({
      discard: (start, count) =>
        good.write(start, zeroBuffers(Math.min(ZEROED_MAX_BYTES, count * good.info.sectorSize))),
    })),
  ),
  saboteur('Z3', 'calls data zero', () => ({
    extents: async (start, count) => (count === 0 ? [] : [{ start, count, type: 'zero' }]),
  })),
  wrapperSaboteur('Z3', 'calls dirty data over a hole of its base zero', (base) =>
    writeBack(base, { extentsOfTheBase: true }),
  ),
  saboteur('Z3', 'calls zero what it has not written itself', (good) => {
    const written = new Set<number>();
    return {
      async write(start, buffers) {
        await good.write(start, buffers);
        const count = byteLengthOf(buffers) / good.info.sectorSize;
        for (let sector = start; sector < start + count; sector++) written.add(sector);
      },
      extents: async (start, count) =>
        Array.from({ length: count }, (_, i) => ({
          start: start + i,
          count: 1,
          type: written.has(start + i) ? 'data' : 'zero',
        })),
    };
  }),
  saboteur('Z3', 'calls zero what was written where it has grown', (good) => {
    let grownFrom = Number.POSITIVE_INFINITY;
    return {
      async resize(sizeSectors) {
        if (sizeSectors > good.info.sizeSectors) grownFrom = Math.min(grownFrom, good.info.sizeSectors);
        await good.resize(sizeSectors);
      },
      extents: async (start, count) =>
        Array.from({ length: count }, (_, i) => ({
          start: start + i,
          count: 1,
          type: start + i < grownFrom ? 'data' : 'zero',
        })),
    };
  }),
  saboteur('Z3', 'leaves a gap between extents', (good) => ({
    extents: async (start, count) => (count < 2 ? good.extents(start, count) : good.extents(start + 1, count - 1)),
  })),
  saboteur('Z3', 'tells more extents than it was asked for', (good) => ({
    extents: (start) => good.extents(start, good.info.sizeSectors - start),
  })),
  saboteur('Z3', 'tells extents out of order', (good) => ({
    async extents(start, count) {
      if (count < 2) return good.extents(start, count);
      return [
        { start: start + 1, count: count - 1, type: 'data' },
        { start, count: 1, type: 'data' },
      ];
    },
  })),
];
