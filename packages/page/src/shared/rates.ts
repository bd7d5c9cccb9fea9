import { DURATION_BOUNDS_US } from '@blockyard/block';
import type { Counters, FactsMessage } from './messages.js';

/** What the charts show of a moment; null where the device has none of it, or nothing happened. */
export interface Point {
  readonly atMs: number;
  readonly values: Readonly<Record<SeriesName, number | null>>;
}

export const SERIES = [
  'clientReads',
  'clientWrites',
  'clientFlushes',
  'baseReads',
  'baseWrites',
  'clientReadBytes',
  'clientWriteBytes',
  'baseReadBytes',
  'baseWriteBytes',
  'hitRatio',
  'readP50',
  'readP99',
  'writeP50',
  'writeP99',
  'dirty',
  'dirtyLimit',
  'held',
  'budget',
  'storeRequests',
  'storeUsdPerMonth',
  'alive',
  'dead',
  'moved',
  'undrained',
] as const;
export type SeriesName = (typeof SERIES)[number];

const SECONDS_PER_MONTH = (365.25 / 12) * 86_400;

/** What happened between two looks at one device. Undefined where they are of two devices, or of one moment. */
export function pointBetween(before: FactsMessage, after: FactsMessage): Point | undefined {
  const seconds = (after.atMs - before.atMs) / 1000;
  if (before.counters === null || after.counters === null || seconds <= 0) return undefined;
  if (before.device?.generation !== after.device?.generation) return undefined;
  const values = Object.fromEntries(SERIES.map((name) => [name, null])) as Record<SeriesName, number | null>;
  Object.assign(
    values,
    clientValues(before.counters, after.counters, seconds),
    baseValues(before.counters, after.counters, seconds),
    cacheValues(before.counters, after.counters),
    storeValues(before.counters, after.counters, seconds),
  );
  return { atMs: after.atMs, values };
}

type Values = Partial<Record<SeriesName, number | null>>;

function clientValues({ client: before }: Counters, { client: after }: Counters, seconds: number): Values {
  if (before === undefined || after === undefined) return {};
  const reads = differences(before.readsBelow, after.readsBelow);
  const writes = differences(before.writesBelow, after.writesBelow);
  return {
    clientReads: rate(before.reads, after.reads, seconds),
    clientWrites: rate(before.writes, after.writes, seconds),
    clientFlushes: rate(before.flushes, after.flushes, seconds),
    clientReadBytes: rate(before.readBytes, after.readBytes, seconds),
    clientWriteBytes: rate(before.writtenBytes, after.writtenBytes, seconds),
    readP50: quantileUs(reads, 0.5),
    readP99: quantileUs(reads, 0.99),
    writeP50: quantileUs(writes, 0.5),
    writeP99: quantileUs(writes, 0.99),
  };
}

function baseValues({ base: before }: Counters, { base: after }: Counters, seconds: number): Values {
  if (before === undefined || after === undefined) return {};
  return {
    baseReads: rate(before.reads, after.reads, seconds),
    baseWrites: rate(before.writes, after.writes, seconds),
    baseReadBytes: rate(before.readBytes, after.readBytes, seconds),
    baseWriteBytes: rate(before.writeBytes, after.writeBytes, seconds),
  };
}

function cacheValues({ cache: before }: Counters, { cache: after }: Counters): Values {
  if (before === undefined || after === undefined) return {};
  const lookups = after.lookups - before.lookups;
  return {
    hitRatio: lookups > 0 ? (after.hits - before.hits) / lookups : null,
    dirty: after.dirtyBytes,
    dirtyLimit: after.dirtyLimitBytes,
    held: after.heldBytes,
    budget: after.maxSizeBytes,
  };
}

function storeValues(before: Counters, after: Counters, seconds: number): Values {
  const { store, space, cleaning, tier } = after;
  const usd = rate(before.store?.usd, store?.usd, seconds);
  return {
    storeRequests: rate(before.store?.requests, store?.requests, seconds),
    storeUsdPerMonth: usd === null ? null : usd * SECONDS_PER_MONTH + (store?.storageUsdPerMonth ?? 0),
    alive: space?.aliveBytes ?? null,
    dead: space?.deadBytes ?? null,
    moved: rate(before.cleaning?.movedBytes, cleaning?.movedBytes, seconds),
    undrained: tier?.undrainedBytes ?? null,
  };
}

function rate(before: number | undefined, after: number | undefined, seconds: number): number | null {
  return before === undefined || after === undefined ? null : Math.max(0, (after - before) / seconds);
}

/** Of counts below each bound: how many came to each. */
function differences(before: readonly number[], after: readonly number[]): number[] {
  return after.map((count, index) => count - (before[index] ?? 0));
}

/** The bound that so many of the new durations are below, in microseconds; null where there are none. */
export function quantileUs(below: readonly number[], quantile: number): number | null {
  const all = below.at(-1) ?? 0;
  if (all <= 0) return null;
  const index = below.findIndex((count) => count >= all * quantile);
  return DURATION_BOUNDS_US[index] ?? null;
}
