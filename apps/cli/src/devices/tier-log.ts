import type { BlockError } from '@blockyard/block';
import { type Durability, formatSize, type TierLoss, type TierSnapshot, type Undrained } from '@blockyard/uri';
import { oneLine } from '../terminal/failure.js';

/** What a server says of its tier when it begins, a line each. */
export function tierLines({ directory, objectCache, writeLog }: TierSnapshot): string[] {
  const where = `tier ${oneLine(directory)}`;
  if (objectCache === null) {
    return [`warning: ${where} keeps nothing: this is no log volume, and only these have objects that never change`];
  }
  const { capacityBytes, medium } = objectCache;
  const isIn = medium.state === 'good' ? `of ${formatSize(capacityBytes)}` : 'that fails at the moment';
  const lines = [`${where}: an object cache ${isIn}`];
  if (writeLog === null) return lines;
  const { ringBytes, undrainedBytes, undrainedRecords: changes, oldestUndrainedMs: oldestMs = null } = writeLog;
  const has = changes === 0 ? '' : `, ${undrainedText({ bytes: undrainedBytes, changes, oldestMs })} from before`;
  return [...lines, `${where}: a write log of ${formatSize(ringBytes)}${has}`];
}

const CLASSES: Readonly<Record<Durability['flush'], string>> = {
  memory: 'in memory',
  local: 'on a local disk',
  store: 'in the store',
  server: 'where its server has it',
};

/** Where data are, for people. */
export function classText(durability: Durability['flush']): string {
  return CLASSES[durability];
}

/** What a server says of its promises when it begins. */
export function durabilityLine({ write, flush }: Durability): string {
  return `durability: what is written is ${classText(write)}, what is flushed is ${classText(flush)}`;
}

/** How much a store does not have, and for how long. */
export function undrainedText({ bytes, changes, oldestMs }: Undrained): string {
  const age = oldestMs === null ? '' : `, the oldest ${Math.round(oldestMs / 1000)} s old`;
  return `${formatSize(bytes)} in ${changes} ${changes === 1 ? 'change' : 'changes'}${age}`;
}

/** What is lost where a volume is opened without its tier. */
export function lossLine({ attached, undrained }: TierLoss): string {
  const what = undrained === null ? 'how much that is cannot be told from here' : undrainedText(undrained);
  const { tierId, place, since } = attached;
  return `the loss is accepted of what tier ${tierId}, at ${oneLine(place)} since ${since}, alone has: ${what}`;
}

/** What a server leaves on its tier; undefined for nothing. */
export function leftLine({ directory, writeLog }: TierSnapshot): string | undefined {
  if (writeLog === null || writeLog.undrainedRecords === 0) return undefined;
  const { undrainedBytes: bytes, undrainedRecords: changes, oldestUndrainedMs: oldestMs = null } = writeLog;
  const what = undrainedText({ bytes, changes, oldestMs });
  return `${what}, are on tier ${oneLine(directory)} alone: serve it with that tier again, or drain it`;
}

/** That a tier has begun to fail. What it says is quoted, so that no control character reaches a terminal. */
export function tierFailure({ code, message }: BlockError): string {
  return `the tier fails: ${JSON.stringify(`${code}: ${message}`)}; served without it, and tried again`;
}
