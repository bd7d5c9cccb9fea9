import type { ConnectLogOptions, LogDevice } from '@blockyard/backend-log';
import { BlockError } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import type { WriteLogDevice } from '@blockyard/write-log';
import type { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import type { Moment } from '../syntax/moment.js';
import { loadMedium } from '../tier/load-medium.js';
import { LogTiers } from '../tier/log-tiers.js';
import { lossOf } from '../tier/loss.js';
import { tierMissing } from '../tier/missing.js';
import { onTier, type TieredLog } from '../tier/on-tier.js';
import { snapshotOf } from '../tier/snapshot.js';
import { checkOpened } from './find-checked.js';
import { type Leaving, leavingOf } from './leaving.js';
import { type LoadedUri, loadedTogether } from './loaded.js';
import type { LoadOptions, MakeOptions, OpenedDevice, OpenOptions } from './scheme.js';
import { readSecret, SECRET_PARAMETERS, type Secret } from './secret.js';
import { sectorSizeOf } from './sectors.js';

/** Parameters of log volumes, wherever they lie. */
export const LOG_PARAMETERS = [...SECRET_PARAMETERS, 'segments-in-flight', 'map-memory', 'follow', 'sector', 'layout'];

/** Those of them that mean nothing to any other layout. */
const LOG_ALONE = [...SECRET_PARAMETERS, 'segments-in-flight', 'map-memory', 'follow'];

/** What a URI says of a log volume. */
export interface LogParameters {
  readonly secret: Secret;
  readonly moment: Moment | undefined;
  readonly maxInFlightSegments: number | undefined;
  readonly maxMapBytes: number | undefined;
  readonly followMs: number | undefined;
  readonly sectorSize: number | undefined;
}

/** Reads the files that the URI names; opens nothing else. Throws `INVALID_ARGUMENT`. */
export async function logParametersOf(uri: DeviceUri): Promise<LogParameters> {
  return {
    moment: uri.moment,
    maxInFlightSegments: uri.count('segments-in-flight'),
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
  { secret, moment, maxInFlightSegments, maxMapBytes, followMs, sectorSize }: LogParameters,
  { readOnly: isToRead, takeOver, tier, acceptLoss, onTierLoss, loaded }: OpenOptions,
  options: Pick<ConnectLogOptions, 'maxConcurrency' | 'allowUnsafeStore'> = {},
): Promise<OpenedDevice> {
  const [{ connectLog }, { copyOfTraffic }] = await Promise.all([
    import('@blockyard/backend-log'),
    import('@blockyard/object-store'),
  ]);
  const isNow = moment === undefined;
  const readOnly = isToRead || !isNow;
  const isHurried = loaded !== undefined;
  const tierOptions = { readOnly, isNow, acceptLoss, isHurried, onLoss: onTierLoss };
  const tiers = tier && (await LogTiers.open(store, prefix, { ...tierOptions, tier }));
  if (tiers === undefined && acceptLoss && !readOnly) await tellLoss(store, prefix, onTierLoss);
  const volume = await connectLog({
    ...options,
    ...secret,
    ...moment,
    store: tiers?.store ?? store,
    prefix,
    readOnly,
    takeOver,
    acceptLoss: tiers?.hasLog ? tiers.givesUpTier : acceptLoss,
    ...(tiers?.hasLog && !readOnly ? { tier: 'expected' as const } : {}),
    ...(maxInFlightSegments === undefined ? {} : { maxInFlightSegments }),
    ...(maxMapBytes === undefined ? {} : { maxMapBytes }),
    ...(followMs === undefined ? {} : { followMs }),
    ...(loaded?.volume === undefined || readOnly ? {} : { loaded: loaded.volume }),
  }).catch(async (error: unknown) => {
    await tiers?.end();
    await tiers?.store.ended;
    throw error;
  });
  const log = await tiers?.around(volume, loaded?.records);
  const device = log ?? volume;
  await checkOpened(device, { sectorSize });
  // A follower knows that it is behind.
  if (readOnly && log === undefined && followMs === undefined && !acceptLoss) await refuseWithoutTier(volume);
  return Object.assign(device, {
    layout: 'log' as const,
    volumeId: volume.volumeId,
    heldBy: volume.heldBy,
    storeTraffic: () => copyOfTraffic(store.traffic),
    logSnapshot: () => volume.snapshot(),
    left: leftBy(volume, log),
    ...leavingOf(partsToLeave([log, volume, tiers?.store])),
    ...(log === undefined ? {} : durabilityOver(log)),
    ...(tier === undefined ? {} : { tier: () => snapshotOf(tier, tiers?.store, log) }),
    ...(tiers === undefined ? {} : tierRangesOf({ volume, store: tiers.store, log })),
  });
}

/** Reads what `openLog` would, of a volume in a store, which is closed with it, or if this rejects. */
export async function loadLog(
  store: ObjectStore,
  prefix: string,
  { secret, maxMapBytes }: LogParameters,
  tier: LoadOptions['tier'],
  options: Pick<ConnectLogOptions, 'allowUnsafeStore'> = {},
): Promise<LoadedUri> {
  const backend = await import('@blockyard/backend-log');
  const memory = maxMapBytes === undefined ? {} : { maxMapBytes };
  const volume = await backend.loadLog({ ...options, ...secret, ...memory, store, prefix });
  try {
    return loadedTogether(volume, await loadMedium(tier));
  } catch (error) {
    volume.close();
    throw error;
  }
}

function leftBy(volume: LogDevice, log: WriteLogDevice | undefined): NonNullable<OpenedDevice['left']> {
  const left = volume.left.bind(volume);
  const leftRecords = log?.left.bind(log);
  return () => {
    const parts = { volume: left(), records: leftRecords?.() };
    return parts.volume === undefined && parts.records === undefined ? undefined : parts;
  };
}

/**
 * As they do it themselves: one of them gets the chain in place of its own. Once the write log drains no longer, nothing comes to
 * the volume, and from there to the store, that they would have to do something for again.
 */
function partsToLeave(parts: readonly (Leaving | undefined)[]): Leaving[] {
  return parts.flatMap((part) =>
    part === undefined ? [] : [{ prepareToLeave: part.prepareToLeave.bind(part), stay: part.stay.bind(part) }],
  );
}

function tierRangesOf(tiered: TieredLog): Pick<OpenedDevice, 'onTier'> {
  return { onTier: (start, count) => onTier(tiered, start, count) };
}

function durabilityOver(log: WriteLogDevice): Pick<OpenedDevice, 'durability'> {
  return log.snapshot().durability === 'medium' ? { durability: { write: 'memory', flush: 'local' } } : {};
}

/** Without the tier that it has, a volume that is only read is not what was flushed. */
async function refuseWithoutTier(volume: LogDevice): Promise<void> {
  const { attached } = volume.tierMark;
  if (attached === null) return;
  const { name } = volume.info;
  await volume.disconnect({ force: true });
  throw tierMissing(name, attached, 'open it with that tier, or accept the loss, which here is not to see it');
}

async function tellLoss(store: ObjectStore, prefix: string, onTierLoss: OpenOptions['onTierLoss']): Promise<void> {
  try {
    const { immutableKeysOf } = await import('@blockyard/backend-log');
    const { tier } = await immutableKeysOf({ store, prefix });
    if (tier !== null) onTierLoss(await lossOf(tier));
  } catch (error) {
    store.close();
    throw BlockError.from(error, { operation: 'connect' });
  }
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
