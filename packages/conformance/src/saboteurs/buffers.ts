import type { BlockDevice } from '@blockyard/block';
import { passThrough } from './pass-through.js';
import { type Saboteur, saboteur, spoil, wrapperSaboteur } from './saboteur.js';

/** Runs `before` ahead of whatever the device does next. */
function aheadOfEverything(good: BlockDevice, before: () => Promise<void>): Partial<BlockDevice> {
  return {
    read: (start, buffers) => before().then(() => good.read(start, buffers)),
    flush: (range) => before().then(() => good.flush(range)),
    resize: (sizeSectors) => before().then(() => good.resize(sizeSectors)),
    discard: (start, count) => before().then(() => good.discard(start, count)),
    writeZeroes: (start, count) => before().then(() => good.writeZeroes(start, count)),
    disconnect: (options) => before().then(() => good.disconnect(options)),
  };
}

/** Keeps what `copy` makes of each buffer, and writes it ahead of whatever the device does next. */
function writesLater(good: BlockDevice, copy: (buffer: Uint8Array) => Uint8Array): Partial<BlockDevice> {
  const kept: { readonly start: number; readonly buffers: readonly Uint8Array[] }[] = [];
  const catchUp = async () => {
    for (const { start, buffers } of kept.splice(0)) await good.write(start, buffers);
  };
  return {
    ...aheadOfEverything(good, catchUp),
    write: async (start, buffers) => {
      kept.push({ start, buffers: buffers.map(copy) });
    },
  };
}

export const bufferSaboteurs: readonly Saboteur[] = [
  saboteur('B1', "keeps the caller's buffers and writes them later", (good) => writesLater(good, (buffer) => buffer)),
  saboteur('B1', 'copies by slice, which shares the memory of a Buffer', (good) =>
    writesLater(good, (buffer) => buffer.slice()),
  ),
  saboteur('B1', 'takes the buffers that it filled for its cache', (good) => {
    const cached = new Map<string, readonly Uint8Array[]>();
    const key = (start: number, buffers: readonly Uint8Array[]) =>
      [start, ...buffers.map((each) => each.length)].join();
    return {
      async read(start, buffers) {
        const hit = cached.get(key(start, buffers));
        if (hit === undefined) await good.read(start, buffers);
        else for (const [i, bytes] of hit.entries()) buffers[i]?.set(bytes);
        cached.set(key(start, buffers), hit ?? buffers);
      },
      write(start, buffers) {
        cached.clear();
        return good.write(start, buffers);
      },
    };
  }),
  saboteur('B2', 'reverses the bytes within the buffers of a write', (good) => ({
    async write(start, buffers) {
      await good.write(start, buffers);
      for (const buffer of buffers) buffer.reverse();
    },
  })),
  saboteur('B3', 'leaves the end of the last buffer as it was', (good) => ({
    async read(start, buffers) {
      const tail = buffers.at(-1)?.at(-1);
      await good.read(start, buffers);
      const last = buffers.at(-1);
      if (last !== undefined && tail !== undefined) last[last.length - 1] = tail;
    },
  })),
  saboteur('B3', 'fills in no zeroes', (good) => ({
    async read(start, buffers) {
      const found = buffers.map((buffer) => new Uint8Array(buffer.byteLength));
      await good.read(start, found);
      for (const [i, bytes] of found.entries()) {
        if (bytes.some((byte) => byte !== 0)) buffers[i]?.set(bytes);
      }
    },
  })),
  wrapperSaboteur('B3', 'hands out what its scratch buffer happens to hold when a read fails', (base) =>
    spoil(passThrough(base), (good) => {
      let scratch: Uint8Array[] = [];
      return {
        async read(start, buffers) {
          try {
            await good.read(start, buffers);
            scratch = buffers.map((buffer) => new Uint8Array(buffer));
          } catch (error) {
            for (const [i, bytes] of scratch.entries()) buffers[i]?.set(bytes);
            throw error;
          }
        },
      };
    }),
  ),
  wrapperSaboteur('B3', 'has one scratch sector for what all its reads do not ask for', (base) =>
    spoil(passThrough(base), (good) => {
      const scratch = new Uint8Array(base.info.sectorSize);
      return {
        async read(start, buffers) {
          const bytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
          const next = start + bytes / scratch.byteLength;
          await good.read(start, next < good.info.sizeSectors ? [...buffers, scratch] : buffers);
        },
      };
    }),
  ),
  saboteur('B3', 'takes a view for all of its memory', (good) => ({
    async read(start, buffers) {
      await good.read(start, buffers);
      for (const { buffer, byteOffset, byteLength } of buffers) {
        new Uint8Array(buffer, byteOffset + byteLength).fill(0, 0, 1);
      }
    },
  })),
  saboteur('B4', 'lends the memory that it keeps writing to', (good) => {
    const { sectorSize, sizeSectors } = good.info;
    const bytes = new Uint8Array(sectorSize * sizeSectors);
    return {
      lend: (start, count) => ({
        views: [bytes.subarray(start * sectorSize, (start + count) * sectorSize)],
        release: () => {},
      }),
      async write(start, buffers) {
        await good.write(start, buffers);
        bytes.set(Buffer.concat(buffers), start * sectorSize);
      },
    };
  }),
];
