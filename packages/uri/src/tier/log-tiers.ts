import type { LogDevice, VolumeKeys } from '@blockyard/backend-log';
import { BlockError } from '@blockyard/block';
import type { CachedObjectStore } from '@blockyard/object-cache';
import type { ObjectStore } from '@blockyard/object-store';
import type { LoadedRecords, WriteLogDevice } from '@blockyard/write-log';
import { type LogMedium, openLogMedium, openLogToRead } from './log-medium.js';
import { lossOf, type TierLoss } from './loss.js';
import { openCachedStore } from './object-cache.js';
import type { TierSettings } from './settings.js';
import { openWriteLog } from './write-log.js';

export interface LogTiersOptions {
  readonly tier: TierSettings;
  readonly readOnly: boolean;
  /** Whether the volume is opened as it is now, and not as it was. */
  readonly isNow: boolean;
  readonly acceptLoss: boolean;
  /** Whether clients wait for it. */
  readonly isHurried: boolean;
  /** Told what is given up, before the volume is opened. */
  readonly onLoss: (loss: TierLoss) => void;
}

/** The tiers of a log volume that is not open yet. They are locked: with another process's tier a volume cannot be had. */
export class LogTiers {
  /** With the objects of the volume kept before it. Closed with the volume. */
  readonly store: CachedObjectStore;
  /** Whether the volume is to be opened although its tier is another one. */
  readonly givesUpTier: boolean;
  readonly #options: LogTiersOptions;
  readonly #volumeId: string;
  readonly #log: LogMedium | undefined;

  private constructor(
    store: CachedObjectStore,
    options: LogTiersOptions,
    { volumeId }: VolumeKeys,
    log: LogMedium | undefined,
    givesUpTier: boolean,
  ) {
    this.store = store;
    this.#options = options;
    this.#volumeId = volumeId;
    this.#log = log;
    this.givesUpTier = givesUpTier;
  }

  /**
   * Rejects, with the store closed, with `TIER_MISSING` if the volume's tier is another one, and that loss is not accepted, or if
   * this one has what another volume flushed; with `NOT_FOUND` if there is no volume; and as the files do.
   */
  static async open(store: ObjectStore, prefix: string, options: LogTiersOptions): Promise<LogTiers> {
    const { tier, acceptLoss, onLoss } = options;
    let log: LogMedium | undefined;
    let keys: VolumeKeys;
    let givesUpTier: boolean;
    try {
      const { immutableKeysOf } = await import('@blockyard/backend-log');
      keys = await immutableKeysOf({ store, prefix });
      log = await openLog(store.urlOf(prefix), keys, options);
      givesUpTier = !options.readOnly && acceptLoss && keys.tier !== null && (log === undefined || log.isReplacement);
      if (givesUpTier && keys.tier !== null) onLoss(await lossOf(keys.tier));
    } catch (error) {
      await log?.device.disconnect({ force: true });
      store.close();
      throw BlockError.from(error, { operation: 'connect' });
    }
    try {
      return new LogTiers(await openCachedStore(store, keys, tier, options.isHurried), options, keys, log, givesUpTier);
    } catch (error) {
      await log?.device.disconnect({ force: true });
      throw error;
    }
  }

  /** Whether a write log comes above the volume. */
  get hasLog(): boolean {
    return this.#log !== undefined;
  }

  /** Puts them around the volume, which is open now. Undefined: there is no write log. Ends all of them if it rejects. */
  async around(volume: LogDevice, loaded: LoadedRecords | undefined): Promise<WriteLogDevice | undefined> {
    const disconnect = volume.disconnect.bind(volume);
    // Once the device is disconnected, the tier is free for the next one.
    volume.disconnect = async (options) => {
      await disconnect(options);
      await this.store.ended;
    };
    if (volume.volumeId !== this.#volumeId) {
      await this.end();
      await volume.disconnect({ force: true });
      throw new BlockError('UNAVAILABLE', `${volume.info.name} was made anew while it was opened`);
    }
    if (this.#log === undefined) return undefined;
    const { tier, acceptLoss } = this.#options;
    return openWriteLog(volume, this.#log, tier, { acceptLoss, loaded });
  }

  /** The volume was not opened, and its store is closed. */
  async end(): Promise<void> {
    await this.#log?.device.disconnect({ force: true });
  }
}

/** Undefined: there is nothing for a log to do. */
async function openLog(
  name: string,
  { volumeId, tier: attached }: VolumeKeys,
  { tier, readOnly, isNow, acceptLoss }: LogTiersOptions,
): Promise<LogMedium | undefined> {
  const volume = { name, volumeId, attached };
  if (!isNow) return undefined;
  if (readOnly) {
    const device = await openLogToRead(tier, volume, acceptLoss);
    return device && { device, isForeign: false, isReplacement: false };
  }
  if (tier.durability === 'local') return openLogMedium(tier, volume, acceptLoss);
  // What an earlier process left on the tier is brought to the store; beyond that the store alone is relied on.
  const own = await openLogToRead(tier, volume, acceptLoss);
  await own?.disconnect();
  return own && openLogMedium(tier, volume, acceptLoss);
}
