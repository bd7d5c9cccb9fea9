import { BlockError } from '@blockyard/block';

/** Who has a volume open for writing, as its root says it. */
export interface Holder {
  readonly host: string;
  /** Number of the process on its host. */
  readonly process: number;
  /** Which boot of the host, and which of its process namespaces, the number belongs to. Null where the system does not say. */
  readonly boot: string | null;
  /** When the process started, in the system's own count: the number alone may be given out again. */
  readonly started: string | null;
  /** When it took the volume over: its own clock, ISO 8601, UTC. */
  readonly since: string;
  /** When it last said that it is there: its own clock, ISO 8601, UTC. */
  readonly renewed: string;
  /** How often it says so. */
  readonly renewMs: number;
  /** How long it may go on acknowledging changes after a look at the root that found the volume its own. */
  readonly leaseMs: number;
  /** Whether the leases of all writers before it have ended. If not, `leaseMs` is the longest of theirs and its own. */
  readonly settled: boolean;
}

/** In the order in which they are written. */
export const HOLDER_FIELDS: readonly (keyof Holder)[] = [
  'host',
  'process',
  'boot',
  'started',
  'since',
  'renewed',
  'renewMs',
  'leaseMs',
  'settled',
];

/** The longest lease of a writer, in milliseconds: so long a writer that takes over waits at most. */
export const LEASE_MS_MAX = 60_000;
/** The longest time between two renewals of a holder, in milliseconds. */
export const RENEW_MS_MAX = 3_600_000;

/** A process that has not renewed for so many times `renewMs` has ended, hangs, or is cut off from the store. */
const RENEWALS_MISSED_MAX = 3;

/** How long after its last renewal a holder counts as alive. */
export function expiryMs({ renewMs }: Pick<Holder, 'renewMs'>): number {
  return RENEWALS_MISSED_MAX * renewMs;
}

/**
 * How long who takes over waits, after its compare-and-swap, for the holder to see it or to run out of time: twice the lease.
 * One is the lease itself; the other covers the dates of the store, which are whole seconds of clocks that agree roughly.
 */
export function takeOverWaitMs({ leaseMs }: Pick<Holder, 'leaseMs'>): number {
  return 2 * leaseMs;
}

const TEXT_LENGTH_MAX = 255;

/** Whether it can stand in a root: not empty, not long, one line, nothing invisible. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= TEXT_LENGTH_MAX && !/\p{C}/u.test(value);
}

const FITS: { readonly [Name in keyof Holder]: (value: unknown) => boolean } = {
  host: isText,
  process: (value) => isBetween(value, 1, Number.MAX_SAFE_INTEGER),
  boot: (value) => value === null || isText(value),
  started: (value) => value === null || isText(value),
  since: isTime,
  renewed: isTime,
  renewMs: (value) => isBetween(value, 1, RENEW_MS_MAX),
  leaseMs: (value) => isBetween(value, 0, LEASE_MS_MAX),
  settled: (value) => typeof value === 'boolean',
};

/** Throws `CORRUPT` with what is wrong. */
export function checkHolder(value: unknown): Holder {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('holder', value);
  const fields = value as Record<string, unknown>;
  for (const name of Object.keys(fields)) {
    if (!Object.hasOwn(FITS, name)) throw new BlockError('CORRUPT', `unknown field "holder.${name}"`);
  }
  for (const name of HOLDER_FIELDS) if (!FITS[name](fields[name])) throw wrong(`holder.${name}`, fields[name]);
  return value as Holder;
}

/** `process 4711 on web-1, since 2026-01-01T00:00:00.000Z` */
export function describeHolder({ host, process, since }: Holder): string {
  return `process ${process} on ${host}, since ${since}`;
}

function isBetween(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

function isTime(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const time = new Date(value);
  return !Number.isNaN(time.getTime()) && time.toISOString() === value;
}

function wrong(name: string, value: unknown): BlockError {
  return new BlockError('CORRUPT', `${name} is ${JSON.stringify(value) ?? 'missing'}`);
}
