import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import { type BlockDevice, createDevice } from '@blockyard/block';
import { type CachedObjectStore, connectObjectCache } from '@blockyard/object-cache';
import { readInto } from '@blockyard/object-store';
import { BODY, UniformStore } from './uniform-store.js';

export const KIB = 1024;
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
const SECTOR = 4 * KIB;
/** Writes up to here are indexes, superblocks and the like. */
const MAX_KEPT_WRITE_BYTES = 64 * KIB;

/** A cache over objects that are all there, with a file as its medium. */
export class CacheScene {
  readonly path: string;

  constructor(directory: string, name: string) {
    this.path = join(directory, name);
  }

  /** @param isThin whether the medium forgets what is large: the data, so that a large one takes little space */
  async open(sizeBytes: number, isThin = false): Promise<CachedObjectStore> {
    const create = { sizeSectors: sizeBytes / SECTOR, ifMissing: true };
    const file = await connectFile({ path: this.path, sectorSize: SECTOR, create });
    const medium = isThin ? thin(file) : file;
    return connectObjectCache({ store: new UniformStore(), medium, scopes: [{ prefix: '', id: 'all' }] });
  }

  async close(cache: CachedObjectStore): Promise<void> {
    cache.close();
    await cache.ended;
  }

  async dispose(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

/** Reads a range, and sees to it that it is right. */
export async function readRange(
  cache: CachedObjectStore,
  key: string,
  offset: number,
  lengthBytes: number,
): Promise<void> {
  const target = Buffer.alloc(lengthBytes);
  await readInto(cache, key, [target], offset);
  if (!target.equals(BODY.subarray(offset, offset + lengthBytes))) throw new Error(`${key}: wrong bytes at ${offset}`);
}

/** Has what was read from files forgotten, so that the next reads come from the disk. Needs root, on Linux. */
export async function dropPageCache(): Promise<void> {
  const file = await open('/proc/sys/vm/drop_caches', 'w');
  await file.write('3');
  await file.close();
}

function thin(device: BlockDevice): BlockDevice {
  const { name, sectorSize, sizeSectors } = device.info;
  return createDevice({
    name: `thin(${name})`,
    sectorSize,
    sizeSectors,
    atomicSectors: true,
    read: (start, buffers) => device.read(start, buffers),
    write: async (start, buffers) => {
      const sizeBytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (sizeBytes <= MAX_KEPT_WRITE_BYTES) await device.write(start, buffers);
    },
    flush: () => device.flush(),
    resize: (size) => device.resize(size),
    disconnect: (options) => device.disconnect(options),
  });
}
