import { conformance, type Subject, type Volume } from '@blockyard/conformance';
import { combinations } from '@blockyard/conformance/testing';
import type { MemoryObjects } from '@blockyard/object-store';
import { MemoryStore } from '@blockyard/object-store';
import { describe, test } from 'vitest';
import { connectLog, createLogVolume, type LogPlace } from './index.js';
import { CrashingStore, carryOut, type SentPut } from './testing/crashing-store.js';

type Secret = Pick<LogPlace, 'key'>;

const prefix = 'disk';

function subject(name: string, secret: Secret = {}): Subject {
  return {
    name,
    persistent: true,
    prefixConsistent: true,
    hugeSectors: 2 ** 31,
    create: async ({ sectorSize, sizeSectors }) => {
      const objects: MemoryObjects = new Map();
      // Small segments, so that most requests span several.
      const segmentSizeBytes = (48 << 10) + 64 + 20 * (sectorSize + 16);
      const place = { store: new MemoryStore({ objects }), prefix, ...secret };
      await createLogVolume({ ...place, sectorSize, sizeSectors, segmentSizeBytes });
      return volumeOn(objects, secret);
    },
  };
}

/** `late`: what processes before have sent, and arrives once the volume is open again. */
function volumeOn(objects: MemoryObjects, secret: Secret, late: SentPut[] = []): Volume {
  const onTheirWay = new Set<SentPut>();
  return {
    async connect(options) {
      const store = new CrashingStore(objects, onTheirWay);
      const often = { maxMapBytes: 1 << 20, minIdleMs: 50, minDeleteDelayMs: 10 };
      const device = await connectLog({ store, prefix, ...secret, ...often, ...options });
      for (const put of late.splice(0)) await carryOut(objects, put);
      return device;
    },
    dispose: async () => objects.clear(),
    crashStates(options) {
      const sent = [...onTheirWay];
      // Of each PUT: 0, it is lost; 1, it was carried out; 2, it comes later.
      const choices = sent.map(() => 3);
      return [...combinations(choices, options)].map((fates) => {
        const left: MemoryObjects = new Map(objects);
        const done = sent.filter((_, at) => fates[at] === 1);
        const later = sent.filter((_, at) => fates[at] === 2);
        const state = volumeOn(left, secret, later);
        const carriedOut = (async () => {
          for (const put of done) await carryOut(left, put);
        })();
        return { ...state, connect: (of) => carriedOut.then(() => state.connect(of)) };
      });
    },
  };
}

conformance(subject('log'), { describe, test });

const key = Uint8Array.from({ length: 32 }, (_, at) => at);
conformance({ ...subject('log, encrypted', { key }), sectorSizes: [4096] }, { describe, test }, { runs: 2 });
