import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlockDevice } from '@blockyard/block';
import { connectNbd, formatUri } from '@blockyard/nbd';
import { SECTOR_SIZE } from '../../inputs/settings.js';
import type { ServerProcess } from '../server/server-process.js';
import { EXPORT_NAME } from '../setup/constants.js';
import type { Setup } from '../setup/setup.js';
import type { Place } from './places.js';

/** A store may be cut off for longer than an answer usually takes: a client of ours waits for it. */
const SILENCE_MS_MAX = 15 * 60_000;

/** A volume that a process serves, and a client of it. */
export interface Serving {
  readonly client: BlockDevice;
  /** Ends the client, and what it waits for, at once. */
  abandon(): Promise<void>;
}

let sockets = 0;

/** Has the process open the volume, and connects to it. */
export async function serve(
  server: ServerProcess,
  { uri, hasWire }: Place,
  { hasCache, cacheBytes }: Setup,
  directory: string,
): Promise<Serving> {
  // Each has a name of its own: a process that was killed leaves its socket behind.
  const socketPath = join(directory, `${++sockets}.sock`);
  await server.call('open', { uri, cacheBytes: hasCache ? cacheBytes : undefined, socketPath, hasWire });
  const client = await connectNbd(formatUri({ path: socketPath }, EXPORT_NAME, false), {
    sectorSize: SECTOR_SIZE,
    connections: 1,
    silenceTimeoutMs: SILENCE_MS_MAX,
    maxOutageMs: 0,
  });
  return {
    client,
    async abandon() {
      await client.disconnect({ force: true });
      await rm(socketPath, { force: true });
    },
  };
}
