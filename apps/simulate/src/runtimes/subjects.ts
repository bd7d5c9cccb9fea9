import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import { connectMemory } from '@blockyard/backend-memory';
import { connectCache } from '@blockyard/cache';
import type { Subject } from '@blockyard/conformance';

/** Deno has no locks for files, and a device with one is refused there. */
const UNLOCKED = 'Deno' in globalThis ? { lock: false } : {};
/** So little that eviction never rests. */
const CACHE_BYTES = 520_000;

export const SUBJECTS: readonly Subject[] = [
  {
    name: 'memory',
    persistent: false,
    readOnly: false,
    create: async (shape) => ({ connect: () => connectMemory(shape), dispose: async () => {} }),
  },
  {
    name: 'cache over memory',
    persistent: false,
    readOnly: false,
    create: async (shape) => ({
      connect: async () => connectCache(await connectMemory(shape), { maxSizeBytes: CACHE_BYTES, seed: 1 }),
      dispose: async () => {},
    }),
  },
  {
    name: 'file',
    persistent: true,
    async create({ sectorSize, sizeSectors }) {
      const folder = await mkdtemp(join(tmpdir(), 'blockyard-runtimes-'));
      const path = join(folder, 'volume.img');
      await (await connectFile({ path, sectorSize, create: { sizeSectors }, ...UNLOCKED })).disconnect();
      return {
        connect: (options = {}) => connectFile({ path, sectorSize, ...UNLOCKED, ...options }),
        dispose: () => rm(folder, { recursive: true }),
      };
    },
  },
];
