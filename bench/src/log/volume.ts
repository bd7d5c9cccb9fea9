import { type ConnectLogOptions, connectLog, createLogVolume, type LogDevice } from '@blockyard/backend-log';
import { type MemoryObjects, type Traffic, trafficBetween } from '@blockyard/object-store';
import { FarStore } from './far-store.js';

export const KIB = 1024;
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;
export const SECTOR = 4 * KIB;

export interface VolumeOptions {
  readonly sizeBytes: number;
  readonly roundTripMs: number;
  /** See {@link FarStore}. */
  readonly keptBytes?: number;
}

/** A log volume in a store in memory, a round trip away. */
export class BenchVolume {
  readonly objects: MemoryObjects = new Map();
  readonly #options: VolumeOptions;
  readonly prefix = 'bench/volume';
  store: FarStore;

  private constructor(options: VolumeOptions) {
    this.#options = options;
    this.store = this.newStore(0);
  }

  static async create(options: VolumeOptions): Promise<BenchVolume> {
    const volume = new BenchVolume(options);
    await createLogVolume({ store: volume.store, prefix: volume.prefix, sizeBytes: options.sizeBytes });
    return volume;
  }

  newStore(roundTripMs = this.#options.roundTripMs): FarStore {
    return new FarStore(this.objects, roundTripMs, this.#options.keptBytes);
  }

  async open(options: Partial<ConnectLogOptions> = {}, roundTripMs?: number): Promise<LogDevice> {
    this.store = this.newStore(roundTripMs);
    return connectLog({ store: this.store, prefix: this.prefix, ...options });
  }
}

/** What has gone to a store between two moments. */
export function trafficSince(before: Traffic, after: Traffic) {
  const { requests, uploadBytes, downloadBytes } = trafficBetween(before, after);
  return {
    requests: Object.values(requests).reduce((sum, each) => sum + each, 0),
    puts: requests.put,
    uploadBytes,
    downloadBytes,
  };
}

/** Runs `count` operations, so many at once. */
export async function inParallel(
  count: number,
  depth: number,
  operation: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await operation(next++);
  };
  await Promise.all(Array.from({ length: depth }, worker));
}
