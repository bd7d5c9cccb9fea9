import type { LoadedLog, LoadedState } from '@blockyard/backend-log';
import type { LoadedRecords } from '@blockyard/write-log';
import type { LoadedMedium } from '../tier/load-medium.js';

/** What an opening of a log volume need not read: from `loadUri`, or `left` by a device. One opening may have it. */
export interface LoadedDevice {
  readonly volume: LoadedState | undefined;
  /** What is on its tier. */
  readonly records: LoadedRecords | undefined;
}

/** What is known of a device before it is opened. */
export interface LoadedUri {
  /** For `connectUri`, as `loaded`. */
  readonly loaded: LoadedDevice;
  /** Takes in what was stored since. Rejects as opening the device does. */
  catchUp(): Promise<void>;
  /** Lets go of the store and of the tier: nothing is caught up with any longer. */
  close(): void;
}

/** Both as one. */
export function loadedTogether(volume: LoadedLog, medium: LoadedMedium | undefined): LoadedUri {
  return {
    get loaded() {
      return { volume: volume.loaded, records: medium?.records };
    },
    catchUp: async () => {
      await Promise.all([volume.catchUp(), medium?.catchUp()]);
    },
    close: () => {
      volume.close();
      medium?.close();
    },
  };
}
