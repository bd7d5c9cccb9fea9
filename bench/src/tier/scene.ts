import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import type { BlockDevice } from '@blockyard/block';
import type { WriteLogDevice, WriteLogOptions } from '@blockyard/write-log';
import { connectWriteLog } from '@blockyard/write-log';
import { BenchVolume, GIB, MIB } from '../log/volume.js';

export const SECTOR = 4096;
export const VOLUME_BYTES = GIB;
const MEDIUM_BYTES = 256 * MIB;

export interface TierOptions {
  /** To the store, which is in memory. */
  readonly roundTripMs: number;
  /** Where the medium is made. */
  readonly directory: string;
}

/** A write log on a file over a log volume whose store is far away. Flushes are durable on the medium. */
export class TierScene {
  readonly directory: string;
  readonly volume: BenchVolume;

  private constructor(directory: string, volume: BenchVolume) {
    this.directory = directory;
    this.volume = volume;
  }

  static async create({ roundTripMs, directory }: TierOptions): Promise<TierScene> {
    const volume = await BenchVolume.create({ sizeBytes: VOLUME_BYTES, roundTripMs });
    return new TierScene(await mkdtemp(join(directory, 'blockyard-tier-')), volume);
  }

  async open(options: Partial<WriteLogOptions> = {}, mediumBytes = MEDIUM_BYTES): Promise<WriteLogDevice> {
    const medium = await this.#medium(mediumBytes);
    const base = await this.volume.open({ tier: 'expected' });
    const { volumeId: baseId, tierMark: mark } = base;
    return connectWriteLog(base, { medium, baseId, mark, durability: 'medium', ...options });
  }

  /** A file that was written once, as that of a tier is when it is made. */
  async #medium(sizeBytes: number): Promise<BlockDevice> {
    const create = { sizeSectors: sizeBytes / SECTOR };
    const medium = await connectFile({ path: join(this.directory, 'write-log'), sectorSize: SECTOR, create });
    const zeroes = new Uint8Array(8 * MIB);
    for (let at = 0; at < sizeBytes; at += zeroes.byteLength) await medium.write(at / SECTOR, [zeroes]);
    await medium.flush();
    return medium;
  }

  async dispose(): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}

/** So many clients at once, each of which does its work again and again until the time is over. Gives how often they did. */
export async function runClients(clients: number, seconds: number, work: () => Promise<void>): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  let done = 0;
  const client = async () => {
    while (performance.now() < endMs) {
      await work();
      done++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return done;
}
