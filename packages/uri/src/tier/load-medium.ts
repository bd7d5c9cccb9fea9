import { isBlockError } from '@blockyard/block';
import type { LoadedRecords } from '@blockyard/write-log';
import { openMediumToRead, TIER_FILES } from './folder.js';
import type { TierSettings } from './settings.js';

/** What was read of a tier's write log, beside the process that has it. */
export interface LoadedMedium {
  readonly records: LoadedRecords | undefined;
  catchUp(): Promise<void>;
  close(): void;
}

/** Undefined where the tier has none, or nothing is relied on that it has. Rejects as `loadWriteLog` and the file do. */
export async function loadMedium(tier: TierSettings | undefined): Promise<LoadedMedium | undefined> {
  if (tier?.durability !== 'local') return undefined;
  const device = await openMediumToRead(tier.directory, TIER_FILES.writeLog, true).catch((error: unknown) => {
    if (isBlockError(error, 'NOT_FOUND')) return undefined;
    throw error;
  });
  if (device === undefined) return undefined;
  try {
    const { loadWriteLog } = await import('@blockyard/write-log');
    const loading = await loadWriteLog(device);
    return {
      get records() {
        return loading.loaded;
      },
      catchUp: () => loading.catchUp(),
      close: () => void device.disconnect({ force: true }),
    };
  } catch (error) {
    await device.disconnect({ force: true });
    throw error;
  }
}
