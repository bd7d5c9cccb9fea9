import { type BlockDevice, isBlockError, type TierAttachment } from '@blockyard/block';
import type { WriteLogIdentity } from '@blockyard/write-log';
import { openMedium, openMediumToRead, resizeMedium, TIER_FILES, writeAll } from './folder.js';
import { tierMissing, tierOfAnother } from './missing.js';
import type { TierSettings } from './settings.js';
import { sharesOf } from './sizes.js';

/** The volume that is to be opened below a write log. */
export interface LoggedVolume {
  /** For messages. */
  readonly name: string;
  readonly volumeId: string;
  /** What its root says before it is opened. */
  readonly attached: TierAttachment | null;
}

/** The medium of a write log, locked. */
export interface LogMedium {
  readonly device: BlockDevice;
  /** Something is on it that no one needs: the log of another volume. */
  readonly isForeign: boolean;
  /** The volume has another tier, whose loss is accepted. */
  readonly isReplacement: boolean;
}

/**
 * Opens the write log's file of a tier for a volume that is to be written; makes it where it is not there. Nothing of the volume
 * is touched: that it has another tier is known before it is taken from any process.
 *
 * Rejects with `TIER_MISSING` if it has, and that loss is not accepted, or if this tier has what another volume flushed; and as
 * `openMedium` does.
 */
export async function openLogMedium(tier: TierSettings, volume: LoggedVolume, acceptLoss: boolean): Promise<LogMedium> {
  const { directory, maxSizeBytes } = tier;
  const { attached, name, volumeId } = volume;
  // A volume's own tier is never made here.
  if (attached !== null && !acceptLoss) await (await openLogToRead(tier, volume, false))?.disconnect();
  const newBytes = sharesOf(maxSizeBytes).writeLogBytes;
  const device = await openMedium(directory, TIER_FILES.writeLog, { newBytes, isForced: false, isWritten: true });
  try {
    const found = await identify(device, acceptLoss);
    const isForeign = found === 'damaged' || (found !== null && found.baseId !== volumeId);
    const owner = found === 'damaged' ? null : found;
    if (isForeign && owner !== null && owner.attachment !== null) throw tierOfAnother(directory, owner.baseId);
    const isReplacement = attached !== null && owner?.tierId !== attached.tierId;
    if (isReplacement && !acceptLoss) throw tierMissing(name, attached, `the one in ${directory} is another`);
    const isFree = (attached === null || isReplacement) && (owner?.attachment ?? null) === null;
    if (isFree && maxSizeBytes !== undefined) {
      const firstNew = await resizeMedium(directory, TIER_FILES.writeLog, device, newBytes);
      if (firstNew !== undefined) await writeAll(device, firstNew);
    }
    return { device, isForeign, isReplacement };
  } catch (error) {
    await device.disconnect({ force: true });
    throw error;
  }
}

/**
 * Opens the write log's file of a volume's tier for reading. Undefined if that tier is not there, and it is accepted that what it
 * alone has is not seen; else that is `TIER_MISSING`.
 */
export async function openLogToRead(
  { directory }: TierSettings,
  { name, attached }: LoggedVolume,
  acceptLoss: boolean,
): Promise<BlockDevice | undefined> {
  if (attached === null) return undefined;
  const device = await openMediumToRead(directory, TIER_FILES.writeLog).catch((error: unknown) => {
    if (isBlockError(error, 'NOT_FOUND')) return undefined;
    throw error;
  });
  try {
    const found = device === undefined ? null : await identify(device, acceptLoss);
    const isOwn = found !== 'damaged' && found?.tierId === attached.tierId;
    if (isOwn) return device;
    if (!acceptLoss) {
      throw tierMissing(
        name,
        attached,
        device === undefined ? `${directory} has none` : `the one in ${directory} is another`,
      );
    }
    await device?.disconnect();
    return undefined;
  } catch (error) {
    await device?.disconnect({ force: true });
    throw error;
  }
}

/** `damaged`: it cannot be told any longer, and what was there may be lost. */
async function identify(device: BlockDevice, acceptLoss: boolean): Promise<WriteLogIdentity | 'damaged' | null> {
  const { identifyWriteLog } = await import('@blockyard/write-log');
  try {
    return await identifyWriteLog(device);
  } catch (error) {
    if (acceptLoss && isBlockError(error, 'CORRUPT')) return 'damaged';
    throw error;
  }
}
