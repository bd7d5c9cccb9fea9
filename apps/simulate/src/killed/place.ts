import { type ConnectLogOptions, connectLog, type LogPlace } from '@blockyard/backend-log';
import type { BlockDevice } from '@blockyard/block';
import { type Writer, writersOf } from '@blockyard/conformance/testing';
import { openDirectoryStore } from '@blockyard/object-store/directory';
import { openS3Store, type S3ConnectionOptions } from '@blockyard/object-store-s3';
import { connectUri } from '@blockyard/uri';

export interface Shape {
  readonly sizeSectors: number;
  readonly sectorSize: number;
}

/** Where the objects of a log volume are: in a bucket, with the credentials of the environment, or in a directory. */
export type StorePlace =
  | {
      readonly bucket: Pick<S3ConnectionOptions, 'endpoint' | 'region' | 'forcePathStyle'> & {
        readonly bucket: string;
      };
    }
  | { readonly directory: string };

/** A log in a directory, below a write log in a tier. */
export interface TieredPlace {
  readonly log: { readonly directory: string };
  readonly prefix: string;
  /** The folder of the tier. */
  readonly tier: string;
}

/** Where a volume is, as other processes are told. */
export type VolumePlace =
  | { readonly uri: string }
  | { readonly log: StorePlace; readonly prefix: string; readonly tier?: undefined }
  | TieredPlace;

/** A process cleans, and deletes, all the time, to be killed in the middle of it. */
const OFTEN: Partial<ConnectLogOptions> = { minDeleteDelayMs: 50, minIdleMs: 50, maxDirtyAgeMs: 500 };

/** The least that there is, so that a process that writes a while fills half of its write log. */
const TIER_BYTES = 16 * 2 ** 20;

/** A volume, with what gives back the space of a log. */
export type OpenVolume = BlockDevice & { compact?(): Promise<void> };

/**
 * Opens a volume for writing. A log that another process has open is taken from it.
 *
 * @param acceptLoss whether a tier that is gone may be
 */
export async function connectPlace(place: VolumePlace, acceptLoss = false): Promise<OpenVolume> {
  if ('uri' in place) return connectUri(place.uri);
  if (place.tier !== undefined) {
    const tier = { directory: place.tier, maxSizeBytes: TIER_BYTES, durability: 'local' } as const;
    return connectUri(`dir:${place.log.directory}/${place.prefix}`, { tier, acceptLoss });
  }
  return connectLog({ ...(await openLogPlace(place)), ...OFTEN });
}

/** The store is to be closed by the caller. */
export async function openLogPlace({ log, prefix }: Extract<VolumePlace, { log: StorePlace }>): Promise<LogPlace> {
  const store = 'bucket' in log ? openS3Store(log.bucket) : await openDirectoryStore({ path: log.directory });
  return { store, prefix };
}

/** Opens the volume, and tells who wrote each sector. */
export async function contentsOf(place: VolumePlace, acceptLoss = false): Promise<Writer[]> {
  const device = await connectPlace(place, acceptLoss);
  const { sizeSectors, sectorSize } = device.info;
  const bytes = new Uint8Array(sizeSectors * sectorSize);
  await device.read(0, [bytes]);
  await device.flush();
  await device.disconnect();
  return writersOf(bytes, 0, sectorSize);
}
