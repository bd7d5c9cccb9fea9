import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockDevice } from '@blockyard/block';
import { connectNbd, serveNbd } from '@blockyard/nbd';
import { connectUri } from '@blockyard/uri';

const SECTORS = 128;
const SECTOR_BYTES = 4096;
const CACHE_BYTES = 4 << 20;
/** So many times each sector is read and written: by then the code of it is compiled. */
const ROUNDS = 2;
/** Requests at once. */
const DEPTH = 32;

/**
 * Serves a device in memory to a client of its own for a moment. So the first requests of those that are taken over do not wait
 * until what answers them is loaded and compiled. Never rejects, for nothing depends on it: resolves to whether it could be done.
 */
export async function warmUp(): Promise<boolean> {
  try {
    const folder = await mkdtemp(join(tmpdir(), 'blockyard-warm-up-'));
    try {
      await serveItself(join(folder, 'socket'));
    } finally {
      await rm(folder, { recursive: true });
    }
    return true;
  } catch {
    // Then they wait a little longer.
    return false;
  }
}

async function serveItself(path: string): Promise<void> {
  const uri = `memory:?size=${SECTORS * SECTOR_BYTES}&sector=${SECTOR_BYTES}`;
  const device = await connectUri(uri, { cacheSizeBytes: CACHE_BYTES });
  const server = await serveNbd({ exports: { device }, listen: { path }, ownsDevices: true });
  try {
    const client = await connectNbd(server.uris.device ?? '', { maxOutageMs: 0 });
    for (let round = 0; round < ROUNDS; round++) await useAll(client);
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
