import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectMemory } from '@blockyard/backend-memory';
import { conformance } from '@blockyard/conformance';
import { BufferDisk } from 'file-disk';
import RandomAccessFile from 'random-access-file';
import RandomAccessMemory from 'random-access-memory';
import { describe, test } from 'vitest';
import { connectDisk, DeviceDisk } from './file-disk.js';
import { connectStorage, storageOf } from './random-access-storage.js';

const OPTIONS = { runs: 2, watchMs: 20 };

conformance(
  {
    name: 'random-access-file',
    persistent: true,
    sectorSizes: [512],
    create: async ({ sectorSize, sizeSectors }) => {
      const folder = await mkdtemp(join(tmpdir(), 'adapters-'));
      const storage = () => new RandomAccessFile(join(folder, 'storage'));
      await (await connectStorage(storage(), { sectorSize, sizeSectors })).disconnect();
      return {
        connect: ({ readOnly = false } = {}) => connectStorage(storage(), { sectorSize, readOnly }),
        dispose: () => rm(folder, { recursive: true }),
      };
    },
  },
  { describe, test },
  OPTIONS,
);

conformance(
  {
    name: 'random-access-memory',
    persistent: false,
    sectorSizes: [4096],
    create: async (shape) => ({
      connect: ({ readOnly = false } = {}) => connectStorage(new RandomAccessMemory(), { ...shape, readOnly }),
      dispose: async () => {},
    }),
  },
  { describe, test },
  OPTIONS,
);

conformance(
  {
    name: 'a disk of file-disk',
    persistent: false,
    readOnly: false,
    resizable: false,
    sectorSizes: [512],
    create: async ({ sectorSize, sizeSectors }) => ({
      connect: () => connectDisk(new BufferDisk(Buffer.alloc(sectorSize * sizeSectors)), { sectorSize }),
      dispose: async () => {},
    }),
  },
  { describe, test },
  OPTIONS,
);

/** There and back again: what one adapter makes of a device the other makes a device of. */
conformance(
  {
    name: 'a device as a disk, and as a storage, over a device with larger sectors',
    persistent: false,
    readOnly: false,
    resizable: false,
    sectorSizes: [512],
    create: async ({ sectorSize, sizeSectors }) => ({
      connect: async () => {
        const memory = await connectMemory({
          sectorSize: 4096,
          sizeSectors: Math.ceil((sizeSectors * sectorSize) / 4096),
        });
        const storage = await connectStorage(storageOf(memory), { sectorSize });
        const disk = new DeviceDisk(storage);
        Object.assign(disk, { _getCapacity: async () => sizeSectors * sectorSize });
        return connectDisk(disk, { sectorSize });
      },
      dispose: async () => {},
    }),
  },
  { describe, test },
  OPTIONS,
);
