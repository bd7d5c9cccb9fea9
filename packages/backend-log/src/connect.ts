import { type BlockDevice, BlockError, createDevice, type TierMark } from '@blockyard/block';
import { copyOfTraffic } from '@blockyard/object-store';
import { timeStamp, type VolumeHolder, volumeHolderOf } from '@blockyard/volume-root';
import { checkSnapshotName } from './format/keys.js';
import { infoOf, type SnapshotInfo } from './state/snapshot-entries.js';
import { LogDriver } from './volume/driver.js';
import type { LoadedState } from './volume/loaded-state.js';
import { LogView } from './volume/log-view.js';
import { LogVolume } from './volume/log-volume.js';
import { holderOf, openForWriting } from './volume/opening.js';
import { type ConnectLogOptions, checkConnectOptions } from './volume/options.js';
import type { LogStatistics } from './volume/statistics.js';
import { readOnlyTierMark } from './volume/tier-mark.js';
import { LogViewDriver } from './volume/view-driver.js';
import { findVolume, nameOf } from './volume/volume-place.js';

/** Size and alignment of transfers that a log likes: any alignment will do, and few requests carry much. */
const PREFERRED_IO_BYTES = 128 << 10;

/** A volume that is open, with what its root told when it was opened. */
export interface LogDevice extends BlockDevice {
  /** Tells the volume from any other, for good. */
  readonly volumeId: string;
  /** Who had the volume open for writing before this device was opened. Null: no one. */
  readonly heldBy: VolumeHolder | null;
  /**
   * Which local tier has what was flushed and is not in the store. `attach` and `detach` change the root, which takes a round
   * trip; they reject as a flush does, with `READ_ONLY` where the volume is only read, and with `INVALID_ARGUMENT`. A snapshot or
   * an earlier time has no tier.
   */
  readonly tierMark: TierMark;
  /**
   * Where the sectors of a range are in the store, ascending, as far as the map in memory knows: nothing is loaded for it. In steps,
   * each followed by undefined; what changes between two may be in it or not.
   */
  readonly storedRuns: LogVolume['storedRuns'];
  /** What it does and has at this moment. Undefined where it is only read. */
  snapshot(): LogStatistics | undefined;
  /** Keeps all that was accepted before the call under a name. `READ_ONLY` where it is only read; else as `takeSnapshot`. */
  takeSnapshot(name: string): Promise<SnapshotInfo>;
  /**
   * For an end that is to be short, and that is followed by an opening: what goes on behind ends, and begins no more until `stay`.
   * The root that `disconnect` leaves may have a few segments to replay. Rejects if a checkpoint was due and failed.
   */
  prepareToLeave(): Promise<void>;
  /** The end does not come: what goes on behind goes on. */
  stay(): void;
  /** After an end that was prepared for: what an opening of the same volume need not read again. */
  left(): LoadedState | undefined;
  /** Cleans until what is stored is at most 1.25 times what is in use, and deletes what is due. `READ_ONLY` where it is only read. */
  compact(): Promise<void>;
}

/**
 * Opens a volume that `createLogVolume` made. The store is the device's from now on: it is closed when the device ends, or when
 * this rejects.
 *
 * Opened for writing, it fences the writer that has it open already: nothing that one stores from then on counts, and all that
 * it acknowledged a flush of is seen.
 *
 * Rejects with `NOT_FOUND` if there is no volume, or no such snapshot; `CORRUPT` or `UNSUPPORTED` if it cannot be used;
 * `LOCKED` if another writer opened it at the same moment, or has it open and `takeOver` is false; `FENCED` if another writer
 * takes it meanwhile; `TIER_MISSING` if a local tier has what was flushed last, and it is neither expected nor its loss accepted; `UNAVAILABLE` if its writer changes it all the time; `ACCESS_DENIED`; `INVALID_ARGUMENT`; and what the store fails with.
 *
 * @example
 * ```ts
 * import { connectLog, createLogVolume } from '@blockyard/backend-log';
 * import { MemoryStore } from '@blockyard/object-store';
 *
 * const objects = new Map(); // what a bucket is
 * const place = () => ({ store: new MemoryStore({ objects }), prefix: 'disks/a' });
 * await createLogVolume({ ...place(), sizeBytes: 2 ** 30 });
 * const device = await connectLog(place());
 * await device.write(0, [new Uint8Array(4096).fill(1)]);
 * await device.flush(); // one PUT
 * await device.takeSnapshot('monday');
 * await device.write(0, [new Uint8Array(4096).fill(2)]);
 * await device.disconnect();
 *
 * const monday = await connectLog({ ...place(), snapshot: 'monday' });
 * const sector = new Uint8Array(4096);
 * await monday.read(0, [sector]);
 * console.log(sector[0]); // 1
 * await monday.disconnect();
 * ```
 */
export async function connectLog(options: ConnectLogOptions): Promise<LogDevice> {
  const settings = checkConnectOptions(options);
  try {
    const volume = await findVolume(settings, settings.loaded);
    const { store, found } = volume;
    const { volumeId } = found.root;
    const held = holderOf(volume, settings);
    const { clock } = settings;
    const preferredIoBytes = Math.max(PREFERRED_IO_BYTES, found.root.sectorSize);
    const facts = { name: nameOf(settings), preferredIoBytes, clock };
    if (settings.readOnly) {
      const view = await LogView.open(volume, settings);
      const driver = new LogViewDriver(view, store, facts);
      const isNow = settings.snapshot === undefined && settings.atMs === undefined;
      const tierMark = readOnlyTierMark(isNow ? found.root.tier : null);
      return Object.assign(createDevice(driver, { clock }), {
        ...READ_ONLY,
        storedRuns: (start: number, count: number) => view.storedRuns(start, count),
        volumeId,
        heldBy: volumeHolderOf(held),
        tierMark,
      });
    }
    const log = new LogVolume(await openForWriting(volume, settings), settings);
    const device = createDevice(new LogDriver(log, store, facts), { clock });
    return Object.assign(device, {
      volumeId,
      heldBy: volumeHolderOf(held),
      tierMark: log.tierMark,
      storedRuns: (start: number, count: number) => log.storedRuns(start, count),
      snapshot: () => log.statistics(copyOfTraffic(store.traffic)),
      takeSnapshot: async (name: string) => {
        checkSnapshotName(name);
        return infoOf(await log.takeSnapshot(name, timeStamp(settings.clock)), found.root);
      },
      prepareToLeave: () => log.maintenance.hold(),
      left: () => log.left(volume.volumeKey),
      stay: () => log.maintenance.release(),
      compact: () => log.compact(),
    });
  } catch (error) {
    settings.store.close();
    throw BlockError.from(error, { operation: 'connect', device: nameOf(settings) });
  }
}

const READ_ONLY: Pick<LogDevice, 'snapshot' | 'takeSnapshot' | 'prepareToLeave' | 'stay' | 'left' | 'compact'> = {
  snapshot: () => undefined,
  takeSnapshot: () => Promise.reject(new BlockError('READ_ONLY', 'the volume is open for reading')),
  prepareToLeave: async () => {},
  stay: () => {},
  left: () => undefined,
  compact: () => Promise.reject(new BlockError('READ_ONLY', 'the volume is open for reading')),
};
