import { BlockError } from '@blockyard/block';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * What `wait` stands for, in milliseconds: long enough for a store that is restarted, and an end that its clients live to see.
 */
export const OUTAGE_WAIT_MS = 600_000;

/**
 * Milliseconds of a time that people write: `500ms`, `30s`, `10m`, `1h`. `what` names the option or parameter in the message.
 * Throws `INVALID_ARGUMENT` for anything else.
 */
export function parseDuration(text: string, what: string): number {
  const [, count, unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? [];
  if (count === undefined) {
    throw new BlockError(
      'INVALID_ARGUMENT',
      `${what} must be a time such as 500ms, 30s or 10m, not ${JSON.stringify(text)}`,
    );
  }
  return Number(count) * (UNITS_MS[unit] ?? 0);
}

/** How long to wait for a store that is away: `wait`, which is {@link OUTAGE_WAIT_MS}, or a time. */
export function parseOutage(text: string, what: string): number {
  return text === 'wait' ? OUTAGE_WAIT_MS : parseDuration(text, what);
}
