import type { BlockDevice } from '@blockyard/block';
import { type MemoryObjects, MemoryStore, newId, readInto } from '@blockyard/object-store';
import { type CachedObjectStore, connectObjectCache, type ObjectCacheOptions } from '../index.js';
import { Disk } from './disk.js';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const VOLUME = { prefix: 'a/log/', id: 'volume-1' };

/** Bytes that depend on the key and the place, so that none can be taken for others. */
export function bodyOf(key: string, lengthBytes: number): Uint8Array {
  let state = [...key].reduce((hash, each) => Math.imul(hash ^ each.charCodeAt(0), 16777619), 2166136261) >>> 0;
  const bytes = new Uint8Array(lengthBytes);
  const words = new Uint32Array(bytes.buffer, 0, Math.floor(lengthBytes / 4));
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[at] = state;
  }
  for (let at = words.length * 4; at < lengthBytes; at++) bytes[at] = at ^ state;
  return bytes;
}

/** Objects, a disk, and caches over both, one after the other. */
export class Scene {
  readonly objects: MemoryObjects = new Map();
  readonly disk: Disk;

  constructor(disk: Disk = new Disk(4 * MIB)) {
    this.disk = disk;
  }

  /** A handle on the objects without a cache. */
  get plain(): MemoryStore {
    return new MemoryStore({ objects: this.objects });
  }

  /** A cache that has read what is on the disk. */
  async open(
    options: Partial<ObjectCacheOptions> = {},
    medium: BlockDevice = this.disk.open(),
  ): Promise<CachedObjectStore> {
    const cache = await connectObjectCache({
      store: this.plain,
      medium,
      scopes: [VOLUME],
      maxPartBytes: 16 * KIB,
      maxRegionBytes: 256 * KIB,
      ...options,
    });
    await cache.idle();
    return cache;
  }

  /** Stores an object of its own bytes, beside any cache. */
  async store(key: string, lengthBytes: number): Promise<void> {
    await this.plain.put(key, bodyOf(key, lengthBytes), 'any', newId());
  }
}

export async function close(cache: CachedObjectStore): Promise<void> {
  cache.close();
  await cache.ended;
}

/** Stores an object through a cache, and waits until what is kept of it is on the medium. */
export async function put(cache: CachedObjectStore, key: string, body: Uint8Array): Promise<void> {
  await cache.put(key, body, 'absent', newId());
  await cache.idle();
}

/** Reads a range, and waits until what is kept of it is on the medium. Undefined if the object is not there. */
export async function read(
  cache: CachedObjectStore,
  key: string,
  offset: number,
  lengthBytes: number,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(lengthBytes);
  const found = await readInto(cache, key, [bytes], offset);
  await cache.idle();
  return typeof found === 'object' ? bytes : undefined;
}

/** Whether bytes are those of an object, from `offset` on: quick for large ones. */
export function isRangeOf(key: string, sizeBytes: number, bytes: Uint8Array | undefined, offset = 0): boolean {
  if (bytes === undefined) return false;
  return Buffer.compare(bodyOf(key, sizeBytes).subarray(offset, offset + bytes.byteLength), bytes) === 0;
}

/** GETs, and bytes that they fetched, while `work` is done. */
export async function fetchedBy(
  cache: CachedObjectStore,
  work: () => Promise<unknown>,
): Promise<{ readonly gets: number; readonly bytes: number }> {
  const [gets, bytes] = [cache.traffic.requests.get, cache.traffic.downloadBytes];
  await work();
  return { gets: cache.traffic.requests.get - gets, bytes: cache.traffic.downloadBytes - bytes };
}
