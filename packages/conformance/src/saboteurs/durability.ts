import { byteLengthOf, type SectorRange } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import type { Memory } from '../bases/reference.js';
import { passThrough } from './pass-through.js';
import { type Saboteur, saboteur, spoil, wrapperSaboteur } from './saboteur.js';
import { writeBack } from './write-back.js';

/** A disk with a cache of its own: what was not flushed is lost when it is given up. */
class DiskCache {
  readonly #memory: Memory;
  #kept: Uint8Array;

  constructor(memory: Memory) {
    this.#memory = memory;
    this.#kept = memory.bytes.slice();
  }

  keep({ start = 0, count = Number.POSITIVE_INFINITY }: Partial<SectorRange> = {}): void {
    const { bytes, sectorSize } = this.#memory;
    if (this.#kept.byteLength !== bytes.byteLength) this.#kept = bytes.slice();
    const [from, to] = [start * sectorSize, (start + count) * sectorSize];
    this.#kept.set(bytes.subarray(from, to), from);
  }

  lose(): void {
    this.#memory.bytes = this.#kept;
  }
}

/** What is there when it begins is kept; it takes three microtasks. */
async function fastFlush(disk: DiskCache): Promise<void> {
  disk.keep();
  for (let i = 0; i < 3; i++) await undefined;
}

export const durabilitySaboteurs: readonly Saboteur[] = [
  wrapperSaboteur('D1', 'lies in flush and writes at the end', (base) => writeBack(base, { flushNothing: true })),
  wrapperSaboteur('D1', 'writes out in flush, but lets the base keep it in its cache', (base) =>
    writeBack(base, { skipBaseFlush: true }),
  ),
  wrapperSaboteur('D1', 'flushes the base before it has written out', (base) =>
    writeBack(base, { flushTooEarly: true }),
  ),
  wrapperSaboteur('D1', 'lets a flush join one that began earlier', (base) =>
    spoil(writeBack(base), (good) => {
      let flushing: Promise<void> | undefined;
      return {
        flush() {
          flushing ??= good.flush().finally(() => {
            flushing = undefined;
          });
          return flushing;
        },
      };
    }),
  ),
  wrapperSaboteur('D1', 'sees nothing to flush while another flush is at it', (base) =>
    spoil(writeBack(base), (good) => {
      let flushing = 0;
      return {
        async flush() {
          if (flushing > 0) return;
          flushing++;
          await good.flush().finally(() => flushing--);
        },
      };
    }),
  ),
  saboteur('D1', 'lets a flush join a fast one that is under way', (good, memory) => {
    const disk = new DiskCache(memory);
    let flushing: Promise<void> | undefined;
    return {
      async flush() {
        flushing ??= fastFlush(disk).finally(() => {
          flushing = undefined;
        });
        return flushing;
      },
      async disconnect(options) {
        if (options?.force) disk.lose();
        await good.disconnect(options);
      },
    };
  }),
  saboteur('D1', 'lets a flush join whatever flush is under way, of whatever range', (good, memory) => {
    const disk = new DiskCache(memory);
    let flushing: Promise<void> | undefined;
    return {
      async flush(range) {
        flushing ??= macrotasks(1)
          .then(() => disk.keep(range))
          .finally(() => {
            flushing = undefined;
          });
        return flushing;
      },
      async disconnect(options) {
        if (options?.force) disk.lose();
        else disk.keep();
        await good.disconnect(options);
      },
    };
  }),
  saboteur('D1', 'has a writeDurably that is a write', (good, memory) => {
    const disk = new DiskCache(memory);
    return {
      writeDurably: (start, buffers) => good.write(start, buffers),
      async flush(range) {
        await good.flush(range);
        disk.keep(range);
      },
      async disconnect(options) {
        if (options?.force) disk.lose();
        else disk.keep();
        await good.disconnect(options);
      },
    };
  }),
  wrapperSaboteur('D1', 'flushes a range but for its last sector', (base) =>
    spoil(writeBack(base), (good) => ({
      flush: (range) =>
        good.flush(range === undefined || range.count === 0 ? range : { ...range, count: range.count - 1 }),
    })),
  ),
  wrapperSaboteur('D2', 'swallows a failed write', (base) =>
    spoil(passThrough(base), (good) => ({
      write: (start, buffers) => good.write(start, buffers).catch(() => {}),
    })),
  ),
  wrapperSaboteur('D2', 'zeroes what it could not write', (base) =>
    spoil(passThrough(base), (good) => ({
      async write(start, buffers) {
        try {
          await good.write(start, buffers);
        } catch (error) {
          await good.discard(start, byteLengthOf(buffers) / good.info.sectorSize);
          throw error;
        }
      },
    })),
  ),
  wrapperSaboteur('D2', 'writes no more after a write failed', (base) =>
    spoil(passThrough(base), (good) => {
      let failed: unknown;
      return {
        async write(start, buffers) {
          if (failed !== undefined) throw failed;
          await good.write(start, buffers).catch((error: unknown) => {
            failed = error;
            throw error;
          });
        },
      };
    }),
  ),
  wrapperSaboteur('D3', 'hides that a flush failed', (base) => writeBack(base, { hideFailures: true })),
  wrapperSaboteur('D3', 'forgets what it could not write out', (base) => writeBack(base, { cleanTooEarly: true })),
  wrapperSaboteur('D3', 'claims success when a failed flush is tried again', (base) =>
    spoil(passThrough(base), (good) => {
      let failed = false;
      return {
        async flush() {
          if (failed) return;
          await good.flush().catch((error: unknown) => {
            failed = true;
            throw error;
          });
        },
      };
    }),
  ),
  saboteur('D4', 'leaves half sectors when it is given up', (good, memory) => {
    let last = 0;
    return {
      write(start, buffers) {
        last = start;
        return good.write(start, buffers);
      },
      async disconnect(options) {
        const { sectorSize } = good.info;
        await good.disconnect(options);
        if (options?.force) memory.bytes.fill(0, last * sectorSize, (last + 0.5) * sectorSize);
      },
    };
  }),
  saboteur('D4', 'falls back behind its last flush when it is given up', (good, memory) => {
    const before = memory.bytes.slice();
    return {
      async disconnect(options) {
        await good.disconnect(options);
        if (options?.force) memory.bytes = before;
      },
    };
  }),
];
