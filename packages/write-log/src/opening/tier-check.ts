import { type BlockDevice, BlockError, type TierMark } from '@blockyard/block';
import type { RecordOwner } from '../changes/change.js';
import { NO_ID } from '../format/bytes.js';
import type { FoundHeader } from '../format/record.js';
import type { Superblock } from '../format/superblock.js';

/** What is to happen to a record that was found. `drop`: nothing relied on it. `refuse`: something did, and the base has gone on. */
export type Verdict = 'replay' | 'drop' | 'refuse';

/** Throws `TIER_MISSING` if the medium has the log of another base. That it is lost cannot be accepted: it is not this base's. */
export function checkBase(base: BlockDevice, baseId: string, superblock: Superblock, medium: string): void {
  const { sectorSize } = base.info;
  const fits = superblock.baseId === baseId && superblock.baseSectorSize === sectorSize;
  if (fits) return;
  const found = `the base ${superblock.baseId} with sectors of ${superblock.baseSectorSize} bytes`;
  const what = `the write log on ${medium} is for ${found}, not for ${baseId} with ${sectorSize}`;
  throw new BlockError('TIER_MISSING', what);
}

/** Whether the base remembers another tier than this. */
export function isAttachedElsewhere(mark: TierMark | undefined, { tierId }: Superblock): boolean {
  return mark !== undefined && mark.attached !== null && mark.attached.tierId !== tierId;
}

/** For bases that have another tier. */
export function otherTier({ attached }: TierMark, { tierId }: Superblock): BlockError {
  const other = `tier ${attached?.tierId}, which was at ${attached?.place} from ${attached?.since} on`;
  return new BlockError('TIER_MISSING', `what was flushed last is on ${other}, and this is tier ${tierId}`);
}

/** What base and medium agree on: the attachment that records go on with, or `NO_ID`. */
export function agreedAttachment(mark: TierMark | undefined, superblock: Superblock): string {
  const attached = mark?.attached ?? null;
  return attached !== null && attached.tierId === superblock.tierId ? attached.attachmentId : NO_ID;
}

/** What is to happen to a record, by whom it was written for. */
export function verdictOn(
  { attachmentId, baseSizeSectors }: RecordOwner,
  base: BlockDevice,
  mark: TierMark | undefined,
  superblock: Superblock,
): Verdict {
  // Without a mark the base's id, which was checked, is all that there is.
  const fits = attachmentId === NO_ID || mark === undefined || attachmentId === agreedAttachment(mark, superblock);
  if (!fits) return attachmentId === superblock.attachmentId ? 'refuse' : 'drop';
  if (baseSizeSectors === base.info.sizeSectors) return 'replay';
  // The base has another size than when it was written. Where that size was never durable, nothing relied on the record.
  return baseSizeSectors === superblock.baseSizeSectors ? 'refuse' : 'drop';
}

/** For records that the base has gone on without. */
export function goneOnWithout({ sequence, attachmentId }: FoundHeader, medium: string): BlockError {
  const what = `record ${sequence} of the write log on ${medium}, of attachment ${attachmentId}`;
  return new BlockError('TIER_MISSING', `${what}, has not reached the base, which has gone on without it`);
}
