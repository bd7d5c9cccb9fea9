import { type MemoryObjects, MemoryStore, type ObjectStore } from '@blockyard/object-store';
import { type ConnectLogOptions, connectLog, createLogVolume, type LogDevice } from '../index.js';

export const PREFIX = 'disk';
export const SECTOR_SIZE = 512;
export const SIZE_SECTORS = 4096;
/** Full segments have some 20 slots. */
export const SEGMENT_SIZE_BYTES = (48 << 10) + 64 + 20 * (SECTOR_SIZE + 16);

type Secret = Pick<ConnectLogOptions, 'passphrase' | 'key'>;

/** A small volume in memory. */
export function createSmall(objects: MemoryObjects, secret: Secret = {}, prefix = PREFIX): Promise<void> {
  const store = new MemoryStore({ objects });
  const sizes = { sectorSize: SECTOR_SIZE, sizeSectors: SIZE_SECTORS, segmentSizeBytes: SEGMENT_SIZE_BYTES };
  return createLogVolume({ store, prefix, ...sizes, ...secret });
}

export function connectSmall(
  at: MemoryObjects | ObjectStore,
  options: Partial<Omit<ConnectLogOptions, 'store'>> = {},
): Promise<LogDevice> {
  const store = at instanceof Map ? new MemoryStore({ objects: at }) : at;
  return connectLog({ store, prefix: PREFIX, ...options });
}

/** Sectors of contents that no two seeds share. */
export function contentsOf(seed: number, sectors = 1): Uint8Array {
  const bytes = new Uint8Array(sectors * SECTOR_SIZE);
  for (let at = 0; at < bytes.byteLength; at++) bytes[at] = (seed * 31 + at * 7 + (at >> 8)) % 251;
  new DataView(bytes.buffer).setUint32(0, seed, true);
  return bytes;
}
