import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectFile } from '@blockyard/backend-file';
import { connectLog, createLogVolume, immutableKeysOf } from '@blockyard/backend-log';
import { type CacheDevice, type CacheSnapshot, connectCache } from '@blockyard/cache';
import { type CachedObjectStore, connectObjectCache, type ObjectCacheSnapshot } from '@blockyard/object-cache';
import { copyOfTraffic, type ObjectStore, type Traffic } from '@blockyard/object-store';
import { openDirectoryStore } from '@blockyard/object-store/directory';
import { warmStart } from '@blockyard/warm-start';
import type { Figure } from '../figures.js';
import { GIB, KIB, MIB, trafficSince } from '../log/volume.js';
import { randomFrom } from '../random.js';
import { DelayedStore } from './delayed-store.js';

const PREFIX = 'bench';
const SECTOR = 4 * KIB;
const BLOCK = 64 * KIB;
const CACHE_BYTES = 256 * MIB;
/** Clients, each of which waits so long between its reads. */
const CLIENTS = 8;
const THINK_MS = 10;
const SEED = 14;

export interface RestartOptions {
  readonly roundTripMs: number;
  readonly gib: number;
  readonly seconds: number;
  readonly directory: string;
}

/** A server's devices: a cache in memory over a log volume over an object cache on a file over a store that is far away. */
interface Server {
  readonly cache: CacheDevice;
  readonly objects: CachedObjectStore;
  readonly store: ObjectStore;
  disconnect(): Promise<void>;
}

/** Counters at a moment. */
interface Moment {
  readonly cache: CacheSnapshot;
  readonly objects: ObjectCacheSnapshot;
  readonly traffic: Traffic;
}

/** A volume that is in its object cache as a whole, used for a while, closed, opened again by the same process, and used as before. */
export async function restart(options: RestartOptions): Promise<Figure[]> {
  const { gib, seconds } = options;
  const directory = await mkdtemp(join(options.directory, 'blockyard-restart-'));
  try {
    await fill(directory, options);
    const load = new Load(gib * GIB);
    const first = await open(directory, options);
    await load.run(first.cache, seconds);
    const before = await measured(first, () => load.run(first.cache, seconds));
    await first.disconnect();

    const startedMs = performance.now();
    const second = await open(directory, options);
    const openMs = performance.now() - startedMs;
    const from = momentOf(second);
    await load.read(second.cache);
    const firstMs = performance.now() - startedMs;
    await load.run(second.cache, seconds);
    const after = difference(from, momentOf(second));
    const memoryBytes = second.objects.snapshot().memoryBytes;
    await second.disconnect();
    return figures(`restart, ${gib} GiB, ${seconds} s`, { before, after, openMs, firstMs, memoryBytes, gib });
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Writes all of the volume. What is written enters the object cache on its way. */
async function fill(directory: string, options: RestartOptions): Promise<void> {
  const store = await openDirectoryStore({ path: join(directory, 'store'), create: true });
  await createLogVolume({ store, prefix: PREFIX, sizeBytes: options.gib * GIB, sectorSize: SECTOR });
  store.close();
  const server = await open(directory, { ...options, roundTripMs: 0 }, false);
  const bytes = new Uint8Array(8 * MIB);
  for (let at = 0; at < options.gib * GIB; at += bytes.byteLength) {
    bytes.fill(1 + ((at / bytes.byteLength) % 250));
    await server.cache.write(at / SECTOR, [bytes]);
    await server.cache.flush();
    await server.objects.idle();
  }
  await server.disconnect();
}

async function open(directory: string, { gib, roundTripMs }: RestartOptions, isWarm = true): Promise<Server> {
  const store = new DelayedStore(await openDirectoryStore({ path: join(directory, 'store') }), roundTripMs);
  const { volumeId, immutable: scopes } = await immutableKeysOf({ store, prefix: PREFIX });
  const create = { sizeSectors: Math.ceil((gib * 1.25 * GIB) / SECTOR), ifMissing: true };
  const medium = await connectFile({ path: join(directory, 'medium'), sectorSize: SECTOR, create });
  const objects = await connectObjectCache({ store, medium, scopes });
  const volume = await connectLog({ store: objects, prefix: PREFIX });
  const cache = await connectCache(volume, { maxSizeBytes: CACHE_BYTES });
  if (isWarm) await warmStart(cache, { volume: volumeId, hotRanges: { path: join(directory, 'hot-ranges') } });
  const disconnect = async () => {
    await cache.disconnect();
    await objects.ended;
  };
  return { cache, objects, store, disconnect };
}

/** Reads of 64 KiB anywhere, drawn with a probability of 1 / rank. The order of the ranks stays. */
class Load {
  readonly #random = randomFrom(SEED);
  readonly #order: Uint32Array;

  constructor(sizeBytes: number) {
    const count = sizeBytes / BLOCK;
    this.#order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const other = Math.floor(this.#random() * (i + 1));
      [this.#order[i], this.#order[other]] = [this.#order[other] ?? 0, this.#order[i] ?? 0];
    }
  }

  async run(cache: CacheDevice, seconds: number): Promise<void> {
    const endMs = performance.now() + seconds * 1000;
    const client = async () => {
      while (performance.now() < endMs) {
        await this.read(cache);
        await delay(THINK_MS);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  async read(cache: CacheDevice): Promise<void> {
    const rank = Math.floor(this.#order.length ** this.#random()) - 1;
    const block = this.#order[rank] ?? 0;
    const bytes = new Uint8Array(BLOCK);
    await cache.read((block * BLOCK) / SECTOR, [bytes]);
    const expected = 1 + (Math.floor((block * BLOCK) / (8 * MIB)) % 250);
    if (bytes[0] !== expected || bytes[BLOCK - 1] !== expected) throw new Error(`wrong bytes in block ${block}`);
  }
}

function momentOf({ cache, objects, store }: Server): Moment {
  return { cache: cache.snapshot(), objects: objects.snapshot(), traffic: copyOfTraffic(store.traffic) };
}

async function measured(server: Server, work: () => Promise<void>) {
  const before = momentOf(server);
  await work();
  return difference(before, momentOf(server));
}

function difference(from: Moment, to: Moment) {
  const lookups = to.cache.lookups - from.cache.lookups;
  const objectHits = to.objects.hits - from.objects.hits;
  const objectMisses = to.objects.misses - from.objects.misses;
  return {
    lookups,
    hitRatio: (to.cache.hits - from.cache.hits) / lookups,
    objectHitRatio: objectHits / Math.max(1, objectHits + objectMisses),
    requests: trafficSince(from.traffic, to.traffic).requests,
    downloadBytes: trafficSince(from.traffic, to.traffic).downloadBytes,
  };
}

type Difference = ReturnType<typeof difference>;

interface Found {
  readonly before: Difference;
  readonly after: Difference;
  readonly openMs: number;
  readonly firstMs: number;
  readonly memoryBytes: number;
  readonly gib: number;
}

function figures(work: string, { before, after, openMs, firstMs, memoryBytes, gib }: Found): Figure[] {
  return [
    { work, name: 'open', value: openMs, unit: 'ms' },
    { work, name: 'first read after', value: firstMs, unit: 'ms', atMost: 1000 },
    { work, name: 'hits in memory: before', value: before.hitRatio, unit: '' },
    { work, name: 'hits in memory: after', value: after.hitRatio, unit: '', atLeast: before.hitRatio * 0.97 },
    { work, name: 'hits of the object cache: before', value: before.objectHitRatio, unit: '' },
    { work, name: 'hits of the object cache: after', value: after.objectHitRatio, unit: '' },
    { work, name: 'reads: before', value: before.lookups, unit: '' },
    { work, name: 'reads: after', value: after.lookups, unit: '' },
    { work, name: 'requests to the store: before', value: before.requests, unit: '' },
    { work, name: 'requests to the store: after', value: after.requests, unit: '' },
    { work, name: 'bytes from the store: after', value: after.downloadBytes / MIB, unit: 'MiB' },
    { work, name: 'memory of the object cache per GiB', value: memoryBytes / KIB / gib, unit: 'KiB' },
  ];
}
