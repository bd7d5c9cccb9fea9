import { BlockError, byteLengthOf } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { passThrough } from './pass-through.js';
import { type Saboteur, saboteur, silent, spoil, wrapperSaboteur } from './saboteur.js';
import { writeBack } from './write-back.js';

const IN_FLIGHT_MAX = 8;
const PATIENCE_TURNS = 20;

export const concurrencySaboteurs: readonly Saboteur[] = [
  saboteur('O1', 'serves reads from a cache that writes go past', (good) => {
    const cached = new Map<string, Uint8Array[]>();
    return {
      async read(start, buffers) {
        const key = [start, ...buffers.map((buffer) => buffer.byteLength)].join();
        const hit = cached.get(key);
        if (hit === undefined) await good.read(start, buffers);
        else for (const [i, bytes] of hit.entries()) buffers[i]?.set(bytes);
        if (hit === undefined)
          cached.set(
            key,
            buffers.map((buffer) => buffer.slice()),
          );
      },
    };
  }),
  wrapperSaboteur('O1', 'takes what was rewritten during its write-back for written', (base) =>
    writeBack(base, { cleanTheNewer: true }),
  ),
  wrapperSaboteur('O1', 'remembers that a read failed', (base) =>
    spoil(passThrough(base), (good) => {
      const failed = new Map<number, unknown>();
      return {
        async read(start, buffers) {
          if (failed.has(start)) throw BlockError.from(failed.get(start), {});
          await good.read(start, buffers).catch((error: unknown) => {
            failed.set(start, error);
            throw error;
          });
        },
      };
    }),
  ),
  silent(
    saboteur('O2', 'loses a wake-up when many wait', (good) => {
      let inFlight = 0;
      return {
        async read(start, buffers) {
          inFlight++;
          if (inFlight > IN_FLIGHT_MAX) await new Promise(() => {});
          await macrotasks(1);
          await good.read(start, buffers).finally(() => inFlight--);
        },
      };
    }),
  ),
  silent(
    saboteur('O2', 'lets every small range go before a large one', (good) => {
      let small = 0;
      return {
        async write(start, buffers) {
          const isSmall = byteLengthOf(buffers) <= good.info.sectorSize;
          if (!isSmall) while (small > 0) await macrotasks(1);
          if (isSmall) small++;
          await macrotasks(1);
          await good.write(start, buffers).finally(() => {
            if (isSmall) small--;
          });
        },
      };
    }),
  ),
  saboteur('O1', 'writes durably the first of its buffers alone', (good) => ({
    writeDurably: (start, buffers) => good.write(start, buffers.slice(0, 1)),
  })),
  saboteur('O3', 'tears sectors', (good, memory) => ({
    async write(start, buffers) {
      const { sectorSize } = good.info;
      const bytes = Buffer.concat(buffers);
      const half = Buffer.from(memory.bytes.subarray(start * sectorSize, start * sectorSize + bytes.byteLength));
      bytes.copy(half, 0, 0, sectorSize / 2);
      await good.write(start, [half]);
      await macrotasks(1);
      await good.write(start, [bytes]);
    },
  })),
  saboteur('O4', 'lets itself be cancelled', (good) => ({
    async write(start: number, buffers: readonly Uint8Array[], options?: { signal?: AbortSignal }) {
      options?.signal?.throwIfAborted();
      await good.write(start, buffers);
    },
  })),
  wrapperSaboteur('O4', 'has a deadline of its own', (base) =>
    spoil(passThrough(base), (good) => ({
      flush(range) {
        return new Promise((resolve, reject) => {
          good.flush(range).then(resolve, reject);
          macrotasks(PATIENCE_TURNS).then(() => reject(new Error('it took too long')), reject);
        });
      },
    })),
  ),
];
