import { invalid } from './invalid.js';

/** A moment of the past that a volume can be read at: a snapshot by its name, or a time in milliseconds since 1970. */
export type Moment = { readonly snapshot: string } | { readonly atMs: number };

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

/**
 * What stands behind the @ of a URI: the name of a snapshot, or a time as ISO 8601 has it, with its zone: `2026-01-31T12:00Z`,
 * `2026-01-31T13:00:30+01:00`. Names have no colon. Throws `INVALID_ARGUMENT`.
 */
export function parseMoment(text: string): Moment {
  if (text === '')
    throw invalid('an @ in a URI is followed by the name of a snapshot or a time; in a name it is written %40');
  if (!text.includes(':')) return { snapshot: text };
  const atMs = timeOf(text);
  if (atMs !== undefined) return { atMs };
  throw invalid(`a time in a URI reads like 2026-01-31T12:00Z, not ${JSON.stringify(text)}`);
}

function timeOf(text: string): number | undefined {
  const [, year, month, day] = TIME.exec(text) ?? [];
  if (year === undefined) return undefined;
  // A day that its month does not have would be taken for one of the next.
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  if (Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(day)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : atMs;
}
