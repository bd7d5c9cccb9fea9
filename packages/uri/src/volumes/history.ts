import type { LogPlace, SnapshotInfo } from '@blockyard/backend-log';
import { layoutIn } from '../schemes/layout.js';
import { isSameSecret, isSecret, type Secret } from '../schemes/secret.js';
import { sectorSizeOf } from '../schemes/sectors.js';
import type { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import { presentUri, snapshotUriOf, type VolumeUri, withLog, withStore } from './volume-uri.js';

/** Whether others may lose a volume, or data, by a change of it. */
export interface TakeOverOptions {
  /** Whether the volume is taken from a process that has it open and is alive. If not, that is `LOCKED`. Default: false. */
  readonly takeOver?: boolean;
  /**
   * Whether it is done although the volume's tier alone has what was flushed last, which is lost by it. If not, that is
   * `TIER_MISSING`. Default: what `?accept-loss=` says; else false.
   */
  readonly acceptLoss?: boolean;
}

/**
 * Keeps what a log volume has now under a name, beside a process that has it open: all that was flushed, and perhaps more.
 *
 * Rejects with `ALREADY_EXISTS` if there is such a snapshot, `NO_SPACE` if there are too many, `UNSUPPORTED` for what has no
 * past.
 */
export async function snapshotUri(text: string, name: string): Promise<SnapshotInfo> {
  return withLog(await presentUri(text), ({ takeSnapshot }, place) => takeSnapshot(place, name));
}

/** The snapshots of a log volume, the oldest first. */
export async function snapshotsOfUri(text: string): Promise<SnapshotInfo[]> {
  return withLog(await presentUri(text), ({ listSnapshots }, place) => listSnapshots(place));
}

/**
 * Makes a volume at `to`, in the same store, that begins as the snapshot `from` names, and shares with it what neither changes.
 *
 * Rejects with `NOT_FOUND` if there is no such snapshot, `ALREADY_EXISTS` if there is something at `to`, `INVALID_ARGUMENT` if
 * that is in another store, or says that the clone is what its volume is not: a secret, a sector size, a layout.
 */
export async function cloneUri(from: string, to: string): Promise<void> {
  const { snapshot, ...source } = await snapshotUriOf(from);
  const target = await presentUri(to);
  await withLog(source, async ({ createClone }, place, { storeId }) => {
    const prefix = await withStore(target, async (other) => {
      if (other.storeId !== storeId) throw invalid('a clone lies in the store of its volume; copy makes one elsewhere');
      await refuseOther(target.uri, other.secret, place);
      return other.prefix;
    });
    await createClone(place, snapshot, { prefix });
  });
}

/**
 * Makes a log volume what it was at the snapshot that the URI names. What it was before is gone, unless there is a snapshot of
 * it.
 */
export async function rollBackUri(text: string, options: TakeOverOptions = {}): Promise<void> {
  const { snapshot, ...volume } = await snapshotUriOf(text);
  await withLog(volume, ({ rollBack }, place) => rollBack(place, snapshot, withFlag(volume, options)));
}

/** Cleans a log volume that no one has open until what is stored is not much more than what is in use. */
export async function compactUri(text: string, options: TakeOverOptions = {}): Promise<void> {
  const volume = await presentUri(text);
  await withLog(volume, ({ compactLogVolume }, place) => compactLogVolume(place, withFlag(volume, options)));
}

/** Refuses the URI of a clone that says of it what its volume is not. */
async function refuseOther(uri: DeviceUri, secret: Secret, volume: LogPlace): Promise<void> {
  if (isSecret(secret) && !isSameSecret(secret, volume))
    throw invalid('a clone opens with the secret of its volume, or without one as that does; its URI names another');
  const layout = layoutIn(uri);
  if (layout !== undefined && layout !== 'log') throw invalid(`a clone is of layout log, not ${layout}`);
  const wanted = sectorSizeOf(uri);
  if (wanted === undefined) return;
  const { inspectLogVolume } = await import('@blockyard/backend-log');
  const { sectorSize } = await inspectLogVolume(volume);
  if (sectorSize !== wanted)
    throw invalid(`a clone has the sectors of its volume: ?sector=${sectorSize}, not ${wanted}`);
}

/** The options, with what the URI says. */
export function withFlag(
  { uri }: VolumeUri,
  { takeOver = false, acceptLoss }: TakeOverOptions,
): Required<TakeOverOptions> {
  return { takeOver, acceptLoss: acceptLoss ?? uri.flag('accept-loss') ?? false };
}
