import { isBlockError, type TierAttachment } from '@blockyard/block';
import type { WriteLogInspection } from '@blockyard/write-log';
import { openMediumToRead, TIER_FILES } from './folder.js';
import { directoryAt } from './place.js';

/** What is on a tier and not in the store. */
export interface Undrained {
  /** Data. */
  readonly bytes: number;
  /** Groups of writes. */
  readonly changes: number;
  /** For how long the oldest of them has been there, in milliseconds; null if there is none. */
  readonly oldestMs: number | null;
}

/** What is given up where a volume is opened without its tier. */
export interface TierLoss {
  /** What the volume's root says of its tier. */
  readonly attached: TierAttachment;
  /** Null: the tier is not at hand, so that it is not known. */
  readonly undrained: Undrained | null;
}

/** Times that a log is looked at that another process may be writing. */
const LOOKS_MAX = 4;

/** The loss of a volume's tier. It is looked for in its place, if that is on this machine. Never rejects. */
export async function lossOf(attached: TierAttachment): Promise<TierLoss> {
  const directory = directoryAt(attached);
  const found = directory === undefined ? undefined : await inspectLog(directory).catch(() => undefined);
  const isIt = found?.tierId === attached.tierId;
  return { attached, undrained: isIt && found !== undefined ? undrainedIn(found) : null };
}

export function undrainedIn({ undrained }: WriteLogInspection): Undrained {
  const { bytes, records, oldestMs } = undrained;
  return { bytes, changes: records, oldestMs: oldestMs ?? null };
}

/** Looks at the write log in a folder, also beside a process that has it. Undefined: there is none. */
export async function inspectLog(directory: string): Promise<WriteLogInspection | undefined> {
  const { inspectWriteLog } = await import('@blockyard/write-log');
  let found: WriteLogInspection | undefined;
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    // Each time anew: what an open raw disk has read stays cached.
    const medium = await openMediumToRead(directory, TIER_FILES.writeLog, true).catch(unlessNothing);
    if (medium === undefined) return undefined;
    try {
      found = await inspectWriteLog(medium);
    } catch (error) {
      unlessNothing(error);
      return undefined;
    } finally {
      await medium.disconnect();
    }
    // What a process has overwritten meanwhile looks like damage, once.
    if (found.error === undefined) break;
  }
  return found;
}

function unlessNothing(error: unknown): undefined {
  if (isBlockError(error, 'NOT_FOUND')) return undefined;
  throw error;
}
