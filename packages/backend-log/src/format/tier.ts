import { BlockError, type TierAttachment } from '@blockyard/block';

/** In the order in which they are written. */
export const TIER_FIELDS = ['tierId', 'attachmentId', 'place', 'since'] as const satisfies (keyof TierAttachment)[];

/** What a root has room for, many times over. */
const TEXT_CHARS_MAX = 1024;

/** Throws `INVALID_ARGUMENT` for what does not say which tier has what a volume lacks: texts, none of them empty or long, and a time. */
export function checkTier(value: unknown): TierAttachment {
  const fields: Partial<Record<keyof TierAttachment, unknown>> =
    typeof value === 'object' && value !== null ? value : {};
  const since = textOf(fields.since, 'since');
  if (Number.isNaN(Date.parse(since))) throw new BlockError('INVALID_ARGUMENT', `since of the tier is ${since}`);
  return {
    tierId: textOf(fields.tierId, 'tierId'),
    attachmentId: textOf(fields.attachmentId, 'attachmentId'),
    place: textOf(fields.place, 'place'),
    since,
  };
}

function textOf(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_CHARS_MAX) return value;
  throw new BlockError('INVALID_ARGUMENT', `${name} of the tier must be from 1 to ${TEXT_CHARS_MAX} characters`);
}
