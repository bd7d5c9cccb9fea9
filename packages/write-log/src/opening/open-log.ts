import { type BlockDevice, BlockError, type Clock, type TierMark } from '@blockyard/block';
import { Backlog } from '../changes/backlog.js';
import type { LogRecord } from '../changes/change.js';
import { hasWide } from '../changes/wide.js';
import type { ChainPlace, Superblock } from '../format/superblock.js';
import type { Medium } from '../medium/medium.js';
import { adoptRecord } from './adopt.js';
import { chainOf } from './chain.js';
import type { LoadedRecords } from './loaded.js';
import { goneOnWithout, type Verdict, verdictOn } from './tier-check.js';

export interface ReadLogOptions {
  readonly mark: TierMark | undefined;
  readonly acceptLoss: boolean;
  readonly maxMemoryBytes: number;
  readonly clock: Clock & { wallMs?(): number };
  readonly loaded: LoadedRecords | undefined;
}

/** What was found in a log. */
export interface FoundLog {
  readonly backlog: Backlog;
  /** Where the chain ends, of what counts. */
  readonly end: ChainPlace;
  /** There is something behind that end that must not count, ever. */
  readonly hasDropped: boolean;
  /** The records of which the base may have some already; none that have wide zeroes. */
  readonly begun: readonly LogRecord[];
}

/**
 * Reads what the base does not have. Throws `TIER_MISSING` if the base has gone on without it, and `CORRUPT` if something that
 * was durable is damaged, unless the loss is accepted.
 */
export async function readLog(
  base: BlockDevice,
  medium: Medium,
  superblock: Superblock,
  options: ReadLogOptions,
): Promise<FoundLog> {
  const { mark, acceptLoss, clock, maxMemoryBytes, loaded } = options;
  const wallMs = clock.wallMs?.() ?? Date.now();
  const isFit = ({ owner, changes }: LogRecord) =>
    verdictOn(owner, base, mark, superblock) === 'replay' &&
    changes.every((change) => change.end <= base.info.sizeSectors);
  const taken = loaded?.take(superblock, maxMemoryBytes, isFit);
  const { backlog } = taken ?? { backlog: new Backlog(maxMemoryBytes) };
  let end = taken?.end ?? superblock.tail;
  let hasDropped = false;
  const chain = chainOf(medium, superblock, end);
  for (;;) {
    const step = await chain.next();
    if (step.done === true) {
      const { error, place } = step.value;
      if (error !== undefined && !acceptLoss) throw error;
      hasDropped ||= error !== undefined;
      if (!hasDropped) end = place;
      break;
    }
    const { header } = step.value;
    const verdict: Verdict = hasDropped ? 'drop' : verdictOn(header, base, mark, superblock);
    if (verdict === 'refuse' && !acceptLoss) throw goneOnWithout(header, medium.info.name);
    hasDropped ||= verdict !== 'replay';
    if (hasDropped) continue;
    checkExtents(step.value.header, base);
    const ageMs = Math.max(0, wallMs - header.writtenAtMs);
    const record = adoptRecord(backlog, step.value, superblock.baseSectorSize, clock.now() - ageMs);
    end = record.next;
  }
  const begun = backlog.records.filter(({ sequence }) => sequence <= superblock.drainingThrough);
  const comparable = begun.some((record) => hasWide(record, superblock.baseSectorSize)) ? [] : begun;
  return { backlog, end, hasDropped, begun: comparable };
}

/** A record that is sound, and yet not of this base, would otherwise fail when it is drained. */
function checkExtents(
  { extents, sequence }: { extents: readonly { start: number; count: number }[]; sequence: number },
  base: BlockDevice,
): void {
  const { sizeSectors } = base.info;
  if (extents.every(({ start, count }) => start + count <= sizeSectors)) return;
  throw new BlockError('CORRUPT', `record ${sequence} of the write log goes past the end of the base`);
}
