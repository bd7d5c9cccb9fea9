import { connectMemory } from '@blockyard/backend-memory';
import { SECTOR_SIZE } from '../inputs/settings.js';
import type { Place } from './place.js';

export const memoryPlace: Place = {
  backend: 'memory',
  cold: 'a new cache over the same memory, which would not outlive a disconnect',
  workload: { operations: 20_000, volumeBytes: 32 * 2 ** 20 },
  async create(_label, sizeBytes) {
    const device = await connectMemory({ sectorSize: SECTOR_SIZE, sizeSectors: sizeBytes / SECTOR_SIZE });
    return {
      connect: async () => device,
      outlivesDisconnect: false,
      dispose: () => device.disconnect({ force: true }),
    };
  },
};
