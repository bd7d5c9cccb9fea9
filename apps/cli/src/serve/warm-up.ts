import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockDevice } from '@blockyard/block';
import { connectNbd, serveNbd } from '@blockyard/nbd';
import { connectUri, createUri, type UriDevice } from '@blockyard/uri';
import type { VolumePlan } from './config/options.js';

const SECTORS = 128;
const SECTOR_BYTES = 4096;
const CACHE_BYTES = 4 << 20;
const TIER_BYTES = 16 << 20;
/** So many times each sector is read and written: by then the code of it is compiled. */
const ROUNDS = 2;
/** So many times a volume of objects is opened, used and left. */
const OPENINGS = 3;
/** Requests at once. */
const DEPTH = 32;

/**
 * Serves devices like those of the plans to a client of its own for a moment: in memory, or in a folder of its own where they are
 * volumes of objects. So those that are taken over do not wait until what opens a device and answers them is loaded and compiled.
 * Never rejects, for nothing depends on it: resolves to whether it could be done.
 */
export async function warmUp(plans: readonly VolumePlan[]): Promise<boolean> {
  try {
    const folder = await mkdtemp(join(tmpdir(), 'blockyard-warm-up-'));
    try {
      const path = join(folder, 'socket');
      const isOfObjects = plans.some(({ uri }) => OF_OBJECTS.test(uri));
      const isTiered = plans.some(({ uri, options }) => options.tier !== undefined || /[?&]tier=/.test(uri));
      if (isOfObjects) await serveVolume(folder, path, isTiered);
      else await serveItself(path, await connectUri(MEMORY, { cacheSizeBytes: CACHE_BYTES }));
    } finally {
      await rm(folder, { recursive: true });
    }
    return true;
  } catch {
    // Then they wait a little longer.
    return false;
  }
}

const MEMORY = `memory:?size=${SECTORS * SECTOR_BYTES}&sector=${SECTOR_BYTES}`;
const OF_OBJECTS = /^(dir|s3):/i;

/** As an upgrade does it: each time it is left so that the next opening finds something to do. */
async function serveVolume(folder: string, path: string, isTiered: boolean): Promise<void> {
  const uri = `dir:${encodeURIComponent(join(folder, 'store', 'disk')).replaceAll('%2F', '/')}`;
  await createUri(uri, { sizeBytes: SECTORS * SECTOR_BYTES });
  const directory = join(folder, 'tier');
  const tier = isTiered
    ? { tier: { directory, maxSizeBytes: TIER_BYTES, durability: 'local' as const }, warmStart: { hotRanges: true } }
    : {};
  for (let opening = 0; opening < OPENINGS; opening++) {
    await serveItself(path, await connectUri(uri, { cacheSizeBytes: CACHE_BYTES, traceBase: true, ...tier }));
  }
}

async function serveItself(path: string, device: UriDevice): Promise<void> {
  const server = await serveNbd({ exports: { device }, listen: { path }, ownsDevices: true });
  try {
    const client = await connectNbd(server.uris.device ?? '', { maxOutageMs: 0 });
    await useAll(client);
    await device.prepareToLeave?.();
    for (let round = 1; round < ROUNDS; round++) await useAll(client);
    await client.disconnect();
  } finally {
    await server.stop();
  }
}

async function useAll(client: BlockDevice): Promise<void> {
  const use = async (first: number) => {
    const bytes = new Uint8Array(SECTOR_BYTES);
    for (let sector = first; sector < SECTORS; sector += DEPTH) {
      await client.write(sector, [bytes]);
      await client.read(sector, [bytes]);
    }
  };
  await Promise.all(Array.from({ length: DEPTH }, (_, i) => use(i)));
  await client.flush();
}
