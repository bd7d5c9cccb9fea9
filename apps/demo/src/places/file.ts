import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import { SECTOR_SIZE } from '../inputs/settings.js';
import type { Cleanup } from '../process/cleanup.js';
import type { Place } from './place.js';

/** Volumes as files in a temporary directory that `cleanup` removes. */
export async function filePlace(cleanup: Cleanup): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'blockyard-demo-'));
  cleanup.add(`remove ${directory}`, () => rm(directory, { recursive: true, force: true }));
  return {
    backend: 'file',
    cold: 'the file is closed and opened again; the operating system keeps its pages',
    workload: { operations: 20_000, volumeBytes: 32 * 2 ** 20 },
    async create(label, sizeBytes) {
      const path = join(directory, `${label}.img`);
      const made = await connectFile({
        path,
        sectorSize: SECTOR_SIZE,
        create: { sizeSectors: sizeBytes / SECTOR_SIZE },
      });
      await made.disconnect();
      return {
        connect: () => connectFile({ path, sectorSize: SECTOR_SIZE }),
        outlivesDisconnect: true,
        dispose: () => rm(path, { force: true }),
      };
    },
  };
}
