import { BlockError } from '@blockyard/block';
import { compareKeys } from './keys.js';
import { type ListOptions, MAX_BATCH_KEYS } from './store.js';

/** `INVALID_ARGUMENT` for options that do not go together. `what` names the request. */
export function checkListOptions(
  { inOrder = false, after, maxKeys = MAX_BATCH_KEYS }: ListOptions,
  what: string,
): void {
  if (after !== undefined && !inOrder) {
    throw new BlockError('INVALID_ARGUMENT', `${what}: only a listing in order can begin after a key`);
  }
  if (!Number.isSafeInteger(maxKeys) || maxKeys < 1 || maxKeys > MAX_BATCH_KEYS) {
    throw new BlockError('INVALID_ARGUMENT', `${what}: maxKeys is from 1 to ${MAX_BATCH_KEYS}, not ${maxKeys}`);
  }
}

/**
 * The pages of a listing of keys that are all known, one empty page if there are none. `ascending`: whether they come in order,
 * or the last ones first, for stores whose listings have no order.
 */
export function* pagesOf(
  keys: readonly string[],
  options: ListOptions,
  what: string,
  ascending = true,
): Generator<readonly string[], void> {
  checkListOptions(options, what);
  const { after, reaches, maxKeys = MAX_BATCH_KEYS } = options;
  const sorted = keys.filter((key) => after === undefined || compareKeys(key, after) > 0).sort(compareKeys);
  if (!ascending) sorted.reverse();
  for (let at = 0; at === 0 || at < sorted.length; at += maxKeys) {
    const isLast = at + maxKeys >= sorted.length;
    if (isLast && reaches !== undefined && !isReached(reaches, sorted, options)) {
      throw new BlockError('CORRUPT', `${what}: the listing ends before ${reaches}, which exists`);
    }
    yield sorted.slice(at, at + maxKeys);
  }
}

function isReached(key: string, sorted: readonly string[], { inOrder = false, after = '' }: ListOptions): boolean {
  if (!inOrder) return sorted.includes(key);
  return compareKeys(sorted.at(-1) ?? after, key) >= 0;
}
