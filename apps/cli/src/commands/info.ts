import { type Prices, storageUsdPerMonth } from '@blockyard/object-store';
import {
  formatSize,
  inspectUri,
  layoutOfUri,
  type Qcow2Facts,
  type TierReport,
  tierOfUri,
  type UriDevice,
  type UriVolumeSummary,
} from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import { pricesOption, readPrices } from '../arguments/prices.js';
import { sizeBytesOf } from '../arguments/range.js';
import { type TierArguments, tierOption, tierOptionsOf } from '../arguments/tier.js';
import { withDevice } from '../devices/device.js';
import { classText, undrainedText } from '../devices/tier-log.js';
import type { Context } from '../terminal/context.js';
import { formatUsd } from '../terminal/dollars.js';
import { oneLine } from '../terminal/failure.js';
import { plainTable } from '../terminal/table.js';

interface Options extends Pick<TierArguments, 'tier'> {
  readonly json?: boolean;
  readonly prices?: string;
}

export function defineInfo(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'info <uri>',
    summary: 'Tells what a device is, and who has it open, where that is known. Opens it for reading only.',
    example: 'blockyard info s3://bucket/disks/web-1 --json',
  })
    .addOption(jsonOption())
    .addOption(pricesOption())
    .addOption(tierOption())
    .action(async (uri: string, { json, prices: file, ...options }: Options) => {
      const prices = await readPrices(file);
      const { tier: asked } = tierOptionsOf(options);
      // As the store has it: a process that has the tier is not disturbed, and one that is missing is told of.
      const asStored = { readOnly: true, acceptLoss: true, tier: null };
      await withDevice(context, uri, asStored, async ({ info, heldBy, layout, image, durability: whenOpened }) => {
        const volume = await volumeOf(uri);
        const tier = volume?.layout === 'log' ? await tierOfUri(uri, asked) : undefined;
        const durability = tier?.attached ? { ...whenOpened, flush: 'local' as const } : whenOpened;
        const { name, sectorSize, sizeSectors, preferredIoBytes, native } = info;
        const sizeBytes = sizeBytesOf(info);
        const facts = { name, sizeBytes, sectorSize, sizeSectors, preferredIoBytes, native };
        if (json) {
          return context.printJson({
            ...facts,
            ...(image === undefined ? {} : { image }),
            ...(layout === undefined ? {} : { layout }),
            ...(heldBy === undefined ? {} : { heldBy }),
            durability,
            ...(tier === undefined ? {} : { tier }),
            ...(volume === undefined ? {} : factsOf(volume, prices)),
          });
        }
        const operations = Object.entries(native).filter(([, isNative]) => isNative);
        const rows = [
          ['device', name],
          ['size', `${formatSize(sizeBytes)} (${sizeBytes} bytes)`],
          ['sectors', `${sizeSectors} of ${sectorSize} bytes`],
          ['preferred I/O', formatSize(preferredIoBytes)],
          ['native', operations.map(([operation]) => operation).join(', ') || 'nothing optional'],
          ['holes', native.extents ? 'known' : 'not known: everything counts as data'],
          ...(image === undefined ? [] : imageRows(image)),
          ...(layout === undefined ? [] : [['layout', layout]]),
          ...holderRows(heldBy),
          ['durability', `written ${classText(durability.write)}, flushed ${classText(durability.flush)}`],
          ...(tier === undefined ? [] : tierRows(tier)),
          ...(volume === undefined ? [] : volumeRows(volume, prices)),
        ];
        await context.print(plainTable(rows));
      });
    });
}

/** Names come from the image, and are shown as one line. */
function imageRows({
  version,
  clusterBytes,
  compression,
  isDirty,
  isMarkedCorrupt,
  snapshot,
  backing,
}: Qcow2Facts): string[][] {
  const marks = [...(isDirty ? ['not closed'] : []), ...(isMarkedCorrupt ? ['marked as damaged'] : [])];
  const format = [
    `qcow2, version ${version}`,
    `clusters of ${formatSize(clusterBytes)}`,
    `${compression} where compressed`,
  ];
  return [
    ['image', [...format, ...marks].join(', ')],
    ...(snapshot === null ? [] : [['snapshot', oneLine(`${snapshot.name} (${snapshot.id})`)]]),
    ['backing files', backingNames(backing).join(', ') || 'none'],
  ];
}

function backingNames(backing: Qcow2Facts['backing']): string[] {
  if (backing === null) return [];
  return [`${oneLine(backing.name)} (${backing.format})`, ...backingNames(backing.image?.backing ?? null)];
}

/** What is known of a tier. Names come from the store, and are shown as one line. */
function tierRows({ attached, directory, found, undrained }: TierReport): string[][] {
  const where = directory === null ? 'another machine' : oneLine(directory);
  if (attached === null) {
    const state = {
      own: 'it has a write log of this volume',
      other: 'it has that of another volume',
      none: 'no write log',
    };
    return [['tier', directory === null ? 'not needed' : `not needed; in ${where}: ${state[found]}`]];
  }
  const here = { own: `is in ${where}`, other: `${where} has another one`, none: `is not in ${where}` };
  const notStored = undrained === null ? 'cannot be told without the tier' : undrainedText(undrained);
  return [
    ['tier', `${attached.tierId}, at ${oneLine(attached.place)} since ${attached.since}`],
    ['that tier', directory === null ? `is on ${where}` : here[found]],
    ['not in the store', notStored],
  ];
}

type LogSummary = Extract<UriVolumeSummary, { readonly layout: 'log' }>;

/** What there is to tell of a volume as a whole. */
async function volumeOf(uri: string): Promise<UriVolumeSummary | undefined> {
  return (await layoutOfUri(uri)) === undefined ? undefined : inspectUri(uri, { measure: true });
}

function factsOf(volume: UriVolumeSummary, prices: Prices | undefined) {
  const usd = storageUsdOf(volume, prices);
  const storage = { space: volume.space, ...(usd === undefined ? {} : { storageUsdPerMonth: usd }) };
  if (volume.layout === 'chunks') return storage;
  const { isEncrypted, checkpoint, snapshots, cloneOf } = volume;
  return { isEncrypted, ...storage, checkpoint: { ...checkpoint, ageMs: ageMsOf(checkpoint) }, snapshots, cloneOf };
}

/** Of all that the volume has in the store, what is no longer in use included. */
function storageUsdOf({ space }: UriVolumeSummary, prices: Prices | undefined): number | undefined {
  if (space === undefined || prices === undefined) return undefined;
  return storageUsdPerMonth(storedBytesOf(space), prices);
}

function storedBytesOf(space: NonNullable<UriVolumeSummary['space']>): number {
  return space.dataBytes + ('mapBytes' in space ? space.mapBytes : 0);
}

/** Null: there is no checkpoint. */
function ageMsOf({ throughMs }: LogSummary['checkpoint']): number | null {
  return throughMs === 0 ? null : Math.max(0, Date.now() - throughMs);
}

function volumeRows(volume: UriVolumeSummary, prices: Prices | undefined): string[][] {
  const usd = storageUsdOf(volume, prices);
  const costs = usd === undefined ? [] : [['storage costs', `${formatUsd(usd)} dollars a month`]];
  if (volume.layout === 'log') return [...logRows(volume), ...costs];
  const { space } = volume;
  if (space === undefined) return costs;
  return [['stored', `${formatSize(space.dataBytes)} in ${space.objects} objects`], ...costs];
}

function logRows({ isEncrypted, space, checkpoint, snapshots, cloneOf }: LogSummary): string[][] {
  const { mapBytes, dataBytes, liveBytes, objects } = space;
  const ageMs = ageMsOf(checkpoint);
  const age = ageMs === null ? 'none' : `${(ageMs / 1000).toFixed(0)} s old`;
  return [
    ['encrypted', isEncrypted ? 'yes' : 'no'],
    ['stored', `${formatSize(storedBytesOf(space))} in ${objects} objects, ${formatSize(mapBytes)} of them the map`],
    ['in use', `${formatSize(liveBytes)}, ${formatSize(Math.max(0, dataBytes - liveBytes))} are not`],
    ['checkpoint', `${age}, ${checkpoint.segmentsBehind} segments behind it`],
    ['snapshots', snapshots.map(({ name }) => name).join(', ') || 'none'],
    ...(cloneOf === null
      ? []
      : [['clone of', `${cloneOf.prefix}@${cloneOf.snapshot}, shares ${formatSize(space.sharedBytes)} of objects`]]),
  ];
}

type Holder = NonNullable<UriDevice['heldBy']>;

const STATES: Readonly<Record<Holder['state'], string>> = {
  alive: 'alive',
  silent: 'silent: it has ended, hangs, or is cut off from the store',
  dead: 'dead: it has ended without giving the volume back',
};

function holderRows(heldBy: Holder | null | undefined): string[][] {
  if (heldBy === undefined) return [];
  if (heldBy === null) return [['open for writing', 'no']];
  const { host, process, since, renewed, silentMs, state } = heldBy;
  return [
    ['open for writing', `by process ${process} on ${host}, since ${since}`],
    ['last renewed', `${renewed}, ${Math.round(silentMs / 1000)} s ago`],
    ['that process', `is ${STATES[state]}`],
  ];
}
