import type { BlockDevice } from '@blockyard/block';
import { conformance, type Subject } from '@blockyard/conformance';
import { createMemory, createReferenceDevice } from '@blockyard/conformance/testing';
import { describe, test } from 'vitest';
import { connectCache } from './connect.js';
import type { CacheOptions } from './options.js';

/** The least that a cache of these lines works with: eviction never rests. */
const STARVED: Record<number, number> = { 512: 80_000, 4096: 110_000, 65536: 520_000 };

function subject(name: string, optionsFor: (sectorSize: number) => CacheOptions): Subject {
  const wrap = (base: BlockDevice) => connectCache(base, { seed: 1, ...optionsFor(base.info.sectorSize) });
  return {
    name,
    persistent: true,
    wrap,
    async create({ sectorSize, sizeSectors }) {
      const memory = createMemory({ sectorSize, sizeSectors });
      return {
        connect: async (options) => wrap(createReferenceDevice(memory, options)),
        dispose: async () => {},
      };
    },
  };
}

/** What is random about these is much the same as with the caches before them. */
const FEWER = { runs: 10 };
/** Transfers of 2 GiB are tried at the largest, where they are quick. */
const FEWER_SIZES = [4096, 65_536];

const starved = (sectorSize: number) => ({ maxSizeBytes: STARVED[sectorSize] as number });

conformance(
  subject('cache with room', () => ({})),
  { describe, test },
);
conformance(subject('starved cache', starved), { describe, test });
conformance(
  {
    ...subject('starved LRU cache', (sectorSize) => ({ ...starved(sectorSize), policy: 'lru' as const })),
    sectorSizes: FEWER_SIZES,
  },
  { describe, test },
  FEWER,
);
conformance(
  {
    ...subject('starved write-through cache', (sectorSize) => ({
      ...starved(sectorSize),
      mode: 'writethrough' as const,
    })),
    sectorSizes: FEWER_SIZES,
  },
  { describe, test },
  FEWER,
);
