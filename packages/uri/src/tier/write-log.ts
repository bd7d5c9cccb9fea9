import type { LogDevice } from '@blockyard/backend-log';
import type { WriteLogDevice, WriteLogOptions } from '@blockyard/write-log';
import type { LogMedium } from './log-medium.js';
import { placeOf } from './place.js';
import type { TierSettings } from './settings.js';

/**
 * Puts a write log on a medium above a log volume. Both are its own from then on: they end when it does, or when this rejects, as
 * `connectWriteLog` does.
 */
export async function openWriteLog(
  volume: LogDevice,
  { device: medium, isForeign }: Pick<LogMedium, 'device' | 'isForeign'>,
  { directory, durability, onError }: TierSettings,
  { acceptLoss, loaded }: Pick<WriteLogOptions, 'loaded'> & { readonly acceptLoss: boolean },
): Promise<WriteLogDevice> {
  const { connectWriteLog, createWriteLog } = await import('@blockyard/write-log');
  const { volumeId: baseId, tierMark: mark, info } = volume;
  try {
    const { sectorSize, sizeSectors, readOnly } = info;
    if (isForeign && !readOnly) {
      await createWriteLog({ medium, base: { id: baseId, sectorSize, sizeSectors }, overwrite: true });
    }
  } catch (error) {
    await Promise.all([volume.disconnect({ force: true }), medium.disconnect({ force: true })]);
    throw error;
  }
  return connectWriteLog(volume, {
    medium,
    baseId,
    mark,
    place: placeOf(directory),
    durability: durability === 'local' ? 'medium' : 'base',
    acceptLoss,
    loaded,
    onError,
  });
}
