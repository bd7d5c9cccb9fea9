import { type BlockDevice, BlockError } from '@blockyard/block';
import { type BlockMap, type CacheDevice, connectCache } from '@blockyard/cache';
import { type NbdServer, serveNbd } from '@blockyard/nbd';
import { type StatusDevice, StatusWatch } from '@blockyard/page/status';
import { connectUri, createUri, deleteUri, rollBackUri, snapshotUri, type UriDevice } from '@blockyard/uri';
import { SECTOR_SIZE } from '../../inputs/settings.js';
import { EXPORT_NAME } from '../setup/constants.js';
import type { MapRange, Served, ServerCalls, ServerLook, WireState } from './calls.js';
import { type Wire, withWire } from './wire.js';

/** What the page calls the server's version. */
const VERSION = 'demonstration';

/** A volume that is being served. */
interface Serving {
  readonly uri: string;
  readonly volume: UriDevice;
  readonly cache: CacheDevice | undefined;
  readonly wire: Wire | undefined;
  readonly nbd: NbdServer;
  readonly watch: StatusWatch;
}

/** Serves one volume at a time over NBD. */
export class Server implements ServerCalls {
  #serving: Serving | undefined;
  #wire: WireState = { latencyMs: 0, isCut: false };

  async create({ uri, sizeBytes }: { readonly uri: string; readonly sizeBytes: number }): Promise<void> {
    await createUri(uri, { sizeBytes, sectorSize: SECTOR_SIZE });
  }

  async open({ uri, cacheBytes, socketPath, hasWire }: Served): Promise<void> {
    if (this.#serving !== undefined) throw new BlockError('LOCKED', 'a volume is served already');
    const volume = await connectUri(uri);
    let device: BlockDevice = volume;
    try {
      const wire = hasWire ? withWire(volume, this.#wire) : undefined;
      if (wire !== undefined) device = wire.device;
      const cache = cacheBytes === undefined ? undefined : await connectCache(device, { maxSizeBytes: cacheBytes });
      if (cache !== undefined) device = cache;
      const listen = { path: socketPath };
      const nbd = await serveNbd({ exports: { [EXPORT_NAME]: device }, listen, ownsDevices: true });
      const watch = watchOf(device, volume, cache, nbd);
      watch.begin();
      this.#serving = { uri, volume, cache, wire, nbd, watch };
    } catch (error) {
      await device.disconnect({ force: true });
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#serving?.watch.end();
    await this.#serving?.nbd.stop();
    this.#serving = undefined;
  }

  async delete(uri: string): Promise<void> {
    await deleteUri(uri);
  }

  async takeSnapshot(name: string): Promise<void> {
    await snapshotUri(this.#now.uri, name);
  }

  async deleteSnapshot(name: string): Promise<void> {
    await deleteUri(atSnapshot(this.#now.uri, name));
  }

  async rollBack({ uri, name }: { readonly uri: string; readonly name: string }): Promise<void> {
    await rollBackUri(atSnapshot(uri, name));
  }

  async setCacheBytes(sizeBytes: number): Promise<void> {
    await this.#now.cache?.setMaxSizeBytes(sizeBytes);
  }

  async setWire(state: WireState): Promise<void> {
    this.#wire = state;
    this.#serving?.wire?.set(state);
  }

  async look(): Promise<ServerLook> {
    const { volume, cache, nbd, watch } = this.#now;
    const own = {
      cache: cache?.snapshot(),
      traffic: volume.storeTraffic?.(),
      store: volume.storeSnapshot?.(),
      log: volume.logSnapshot?.(),
    };
    const snapshots = { nbd: nbd.stats(), exports: { [EXPORT_NAME]: own } };
    return { info: (cache ?? volume).info, snapshots, status: watch.status(), hasCache: cache !== undefined };
  }

  async map({ start, count, maxCells }: MapRange): Promise<BlockMap> {
    const { cache } = this.#now;
    if (cache === undefined) throw new BlockError('UNSUPPORTED', 'there is no cache');
    const steps = cache.mapSteps(start, count, maxCells);
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
    }
  }

  get #now(): Serving {
    if (this.#serving === undefined) throw new BlockError('UNAVAILABLE', 'no volume is served');
    return this.#serving;
  }
}

/** Looks at a device with what its parts have to tell. */
function watchOf(
  device: BlockDevice,
  { heldBy, storeSnapshot, logSnapshot }: UriDevice,
  cache: CacheDevice | undefined,
  server: NbdServer,
): StatusWatch {
  const watched: StatusDevice = Object.assign(device, {
    ...(cache === undefined ? {} : { cacheSnapshot: () => cache.snapshot() }),
    ...(heldBy === undefined ? {} : { heldBy }),
    ...(storeSnapshot === undefined ? {} : { storeSnapshot }),
    ...(logSnapshot === undefined ? {} : { logSnapshot }),
  });
  return new StatusWatch({ version: VERSION, exportName: EXPORT_NAME, server, device: () => watched });
}

/** The URI of a snapshot of a volume. */
function atSnapshot(uri: string, name: string): string {
  const [path, parameters] = uri.split('?');
  return `${path}@${name}${parameters === undefined ? '' : `?${parameters}`}`;
}
