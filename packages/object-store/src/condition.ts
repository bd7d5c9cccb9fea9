import type { Condition } from './store.js';
import type { ObjectVersion } from './version.js';

/** Whether a PUT with this condition may replace what is there. */
export function holds(condition: Condition, found: Pick<ObjectVersion, 'etag'> | undefined): boolean {
  if (condition === 'any') return true;
  return condition === 'absent' ? found === undefined : found?.etag === condition.etag;
}
