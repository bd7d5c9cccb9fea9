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
}

/** In the order in which they are written. */
export const HOLDER_FIELDS: readonly (keyof Holder)[] = ['host', 'process', 'boot', 'started', 'since', 'renewed'];

const TEXT_LENGTH_MAX = 255;

/** Throws `CORRUPT` with what is wrong. */
export function checkHolder(value: unknown): Holder {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('holder', value);
  const fields = value as Record<string, unknown>;
  const { host, process, boot, started, since, renewed, ...rest } = fields;
  for (const name of Object.keys(rest)) throw new BlockError('CORRUPT', `unknown field "holder.${name}"`);
  if (!isText(host)) throw wrong('holder.host', host);
  if (!isProcessNumber(process)) throw wrong('holder.process', process);
  if (boot !== null && !isText(boot)) throw wrong('holder.boot', boot);
  if (started !== null && !isText(started)) throw wrong('holder.started', started);
  if (!isTime(since)) throw wrong('holder.since', since);
  if (!isTime(renewed)) throw wrong('holder.renewed', renewed);
  return { host, process, boot, started, since, renewed };
}

/** `process 4711 on web-1, since 2026-01-01T00:00:00.000Z` */
export function describeHolder({ host, process, since }: Holder): string {
  return `process ${process} on ${host}, since ${since}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= TEXT_LENGTH_MAX && !/\p{C}/u.test(value);
}

function isProcessNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isTime(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const time = new Date(value);
  return !Number.isNaN(time.getTime()) && time.toISOString() === value;
}

function wrong(name: string, value: unknown): BlockError {
  return new BlockError('CORRUPT', `${name} is ${JSON.stringify(value) ?? 'missing'}`);
}
