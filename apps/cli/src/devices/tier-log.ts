import type { BlockError } from '@blockyard/block';
import { formatSize, type TierSnapshot } from '@blockyard/uri';
import { oneLine } from '../terminal/failure.js';

/** What a server says of its tier when it begins, a line each. */
export function tierLines({ directory, objectCache }: TierSnapshot): string[] {
  const where = `tier ${oneLine(directory)}`;
  if (objectCache === null) {
    return [`warning: ${where} keeps nothing: this is no log volume, and only these have objects that never change`];
  }
  const { capacityBytes, medium } = objectCache;
  const isIn = medium.state === 'good' ? `of ${formatSize(capacityBytes)}` : 'that fails at the moment';
  return [`${where}: an object cache ${isIn}`];
}

/** That a tier has begun to fail. What it says is quoted, so that no control character reaches a terminal. */
export function tierFailure({ code, message }: BlockError): string {
  return `the tier fails: ${JSON.stringify(`${code}: ${message}`)}; served without it, and tried again`;
}
