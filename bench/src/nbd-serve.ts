/** One of our sides of the NBD benchmark, in a process of its own: says "ready" and serves until it is told to stop. */
import { connectFile } from '@blockyard/backend-file';
import { connectMemory } from '@blockyard/backend-memory';
import type { BlockDevice } from '@blockyard/block';
import { connectCache } from '@blockyard/cache';
import { serveNbd } from '@blockyard/nbd';
import { Command } from 'commander';

const SECTOR = 512;

const program = new Command('nbd-serve')
  .requiredOption('--socket <path>', 'Unix socket to listen on')
  .requiredOption('--backend <name>', 'memory, or cache: a cache larger than the volume over a file')
  .requiredOption('--file <path>', 'the file of the cache')
  .requiredOption('--mib <n>', 'size of the volume', Number)
  .option('--busy-poll-us <n>', 'microseconds to look for the next request before sleeping', Number);
program.parse();
const options = program.opts<{ socket: string; backend: string; file: string; mib: number; busyPollUs?: number }>();

const server = await serveNbd({
  exports: { '': await connect() },
  listen: { path: options.socket },
  ownsDevices: true,
  ...(options.busyPollUs === undefined ? {} : { limits: { busyPollUs: options.busyPollUs } }),
});
process.once('SIGTERM', () => server.stop({ force: true }));
console.log('ready');

async function connect(): Promise<BlockDevice> {
  const sizeBytes = options.mib * 2 ** 20;
  if (options.backend === 'memory') return connectMemory({ sectorSize: SECTOR, sizeSectors: sizeBytes / SECTOR });
  const file = await connectFile({
    path: options.file,
    sectorSize: SECTOR,
    create: { sizeSectors: sizeBytes / SECTOR },
  });
  // Room for all of it so many times over that nothing has to leave: the cache writes back from a quarter of it being dirty on.
  return connectCache(file, { maxSizeBytes: 8 * sizeBytes });
}
