import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectMemory } from '@blockyard/backend-memory';
import type { BlockDevice } from '@blockyard/block';
import type { ServerEvent } from '../server/events.js';
import type { NbdServer } from '../server/nbd-server.js';
import type { ServeOptions } from '../server/options.js';
import { serveNbd } from '../server/server.js';
import { type GoOptions, RawClient } from './raw-client.js';

export interface Setup {
  readonly server: NbdServer;
  readonly device: BlockDevice;
  readonly folder: string;
  readonly events: readonly ServerEvent[];
  /** A client in the transmission phase; closed at the end. */
  open(options?: GoOptions): Promise<RawClient>;
  /** A client that was not greeted yet; closed at the end. */
  connect(): Promise<RawClient>;
  [Symbol.asyncDispose](): Promise<void>;
  /** Resolves when `happened` is true, which is looked at after every iteration of the event loop. */
  until(happened: () => boolean): Promise<void>;
}

export const MIB = 1024 * 1024;

/** A server on a Unix socket in a folder of its own; by default with one export "disk", 64 MiB in memory. */
export async function setUp(options: Partial<ServeOptions> & { readonly device?: BlockDevice } = {}): Promise<Setup> {
  const { device = await connectMemory({ sizeSectors: (64 * MIB) / 512 }), ...rest } = options;
  const folder = await mkdtemp(join(tmpdir(), 'nbd-'));
  const events: ServerEvent[] = [];
  const clients: RawClient[] = [];
  const server = await serveNbd({
    exports: { disk: device },
    listen: { path: join(folder, 'socket') },
    onEvent: (event) => events.push(event),
    ...rest,
  });
  const track = (client: RawClient) => {
    clients.push(client);
    return client;
  };
  return {
    server,
    device,
    folder,
    events,
    open: async (go) => track(await RawClient.open(server.address, go)),
    connect: async () => track(await RawClient.connect(server.address)),
    until,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await server.stop({ force: true });
      await device.disconnect({ force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((resolve) => setImmediate(resolve));
}

/** Bytes that tell where they belong: no two sectors alike. */
export function pattern(lengthBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  for (let at = 0; at + 4 <= lengthBytes; at += 4) {
    bytes.writeUInt32LE((Math.imul(at + seed, 2_654_435_761) | 1) >>> 0, at);
  }
  return bytes;
}
