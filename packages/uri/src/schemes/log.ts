import type { ConnectLogOptions, LogDevice } from '@blockyard/backend-log';
import { BlockError } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import type { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import type { Moment } from '../syntax/moment.js';
import { type CachedVolumeStore, openCachedStore } from '../tier/object-cache.js';
import { snapshotOf } from '../tier/snapshot.js';
import type { MakeOptions, OpenOptions, UriDevice } from './scheme.js';
import { readSecret, SECRET_PARAMETERS, type Secret } from './secret.js';
import { checkStored, sectorSizeOf } from './sectors.js';

/** Parameters of log volumes, wherever they lie. */
export const LOG_PARAMETERS = [...SECRET_PARAMETERS, 'segments-in-flight', 'map-memory', 'follow', 'sector', 'layout'];

/** Those of them that mean nothing to any other layout. */
const LOG_ALONE = [...SECRET_PARAMETERS, 'segments-in-flight', 'map-memory', 'follow'];

/** What a URI says of a log volume. */
export interface LogParameters {
  readonly secret: Secret;
  readonly moment: Moment | undefined;
  readonly maxSegmentsInFlight: number | undefined;
  readonly maxMapBytes: number | undefined;
  readonly followMs: number | undefined;
  readonly sectorSize: number | undefined;
}

/** Reads the files that the URI names; opens nothing else. Throws `INVALID_ARGUMENT`. */
export async function logParametersOf(uri: DeviceUri): Promise<LogParameters> {
  return {
    moment: uri.moment,
    maxSegmentsInFlight: uri.count('segments-in-flight'),
    maxMapBytes: uri.size('map-memory'),
    followMs: uri.duration('follow'),
    sectorSize: sectorSizeOf(uri),
    secret: await readSecret(uri),
  };
}

/** Throws `INVALID_ARGUMENT` if the URI of a volume of another layout says what only a log has. */
export function refuseLogParameters(uri: DeviceUri, where: string): void {
  const name = LOG_ALONE.find((each) => uri.parameter(each) !== undefined);
  if (name !== undefined) throw invalid(`?${name}= is for a log, and ${where} is a volume of chunks`);
}

/** Opens a log volume in a store, which is the device's from now on; it is closed if this rejects. */
export async function openLog(
  store: ObjectStore,
  prefix: string,
  { secret, moment, maxSegmentsInFlight, maxMapBytes, followMs, sectorSize }: LogParameters,
  { readOnly, takeOver, tier }: OpenOptions,
  options: Pick<ConnectLogOptions, 'maxConcurrency' | 'allowUnsafeStore'> = {},
): Promise<UriDevice> {
  const [{ connectLog }, { copyOfTraffic }] = await Promise.all([
    import('@blockyard/backend-log'),
    import('@blockyard/object-store'),
  ]);
  // Locked before the volume is taken from another process: with that one's tier it cannot be had.
  const cached = tier === undefined ? undefined : await openCachedStore(store, prefix, tier);
  const device = await connectLog({
    ...options,
    ...secret,
    ...moment,
    store: cached?.store ?? store,
    prefix,
    readOnly: readOnly || moment !== undefined,
    takeOver,
    ...(maxSegmentsInFlight === undefined ? {} : { maxSegmentsInFlight }),
    ...(maxMapBytes === undefined ? {} : { maxMapBytes }),
    ...(followMs === undefined ? {} : { followMs }),
  }).catch(async (error: unknown) => {
    await cached?.store.ended;
    throw error;
  });
  if (cached !== undefined) await endTogether(device, cached);
  await checkStored(device, 'sector', device.info.sectorSize, sectorSize);
  return Object.assign(device, {
    layout: 'log' as const,
    storeTraffic: () => copyOfTraffic(store.traffic),
    logSnapshot: () => device.snapshot(),
    ...(tier === undefined || cached === undefined ? {} : { tier: () => snapshotOf(tier, cached.store) }),
  });
}

/** Once the device is disconnected, the tier is free for the next one. */
async function endTogether(device: LogDevice, { store, volumeId }: CachedVolumeStore): Promise<void> {
  const disconnect = device.disconnect.bind(device);
  device.disconnect = async (options) => {
    await disconnect(options);
    await store.ended;
  };
  if (device.volumeId === volumeId) return;
  await device.disconnect({ force: true });
  throw new BlockError('UNAVAILABLE', `${device.info.name} was made anew while it was opened`);
}

/** Makes what `openLog` opens. The store stays open. */
export async function makeLog(
  store: ObjectStore,
  prefix: string,
  { sizeBytes, sectorSize, chunkBytes, secret }: MakeOptions,
  options: Pick<ConnectLogOptions, 'allowUnsafeStore'> = {},
): Promise<void> {
  if (chunkBytes !== undefined) throw invalid('a log has no chunks: leave the chunk size out');
  const { createLogVolume } = await import('@blockyard/backend-log');
  await createLogVolume({
    ...options,
    ...secret,
    store,
    prefix,
    sizeBytes,
    ...(sectorSize === undefined ? {} : { sectorSize }),
  });
}
