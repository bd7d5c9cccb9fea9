import { BlockError, systemClock } from '@blockyard/block';
import { NO_ID } from './format/bytes.js';
import { MEDIUM_BYTES_MIN, RING_START_BYTES, roundDown } from './format/layout.js';
import type { Superblock } from './format/superblock.js';
import { Medium } from './medium/medium.js';
import { formatSuperblocks, isEmpty, readSuperblocks, type Superblocks } from './medium/superblocks.js';
import {
  type BaseFacts,
  type CreateWriteLogOptions,
  checkCreateOptions,
  checkedId,
  MEDIUM_WAIT_MS,
} from './options.js';

/**
 * Makes the write log of a base on a medium, which stays its owner's. There is nothing in it.
 *
 * Rejects with `INVALID_ARGUMENT` if an option is wrong or unknown, or the medium is too small; `ALREADY_EXISTS` if something is
 * on the medium, unless it is to be overwritten; and what the medium fails with.
 */
export async function createWriteLog(options: CreateWriteLogOptions): Promise<void> {
  const { medium: device, base, overwrite, newId } = checkCreateOptions(options);
  const context = { operation: 'create', device: device.info.name } as const;
  try {
    const medium = new Medium(device, systemClock, MEDIUM_WAIT_MS);
    checkMediumSize(medium);
    if (!overwrite && !(await isEmpty(medium))) throw somethingElse(medium);
    await formatMedium(medium, base, checkedId(newId));
  } catch (error) {
    throw BlockError.from(error, context);
  }
}

/** Makes a log with nothing in it, whatever is there. */
export async function formatMedium(medium: Medium, base: BaseFacts, tierId: string): Promise<Superblocks> {
  const { latest, slot } = await readSuperblocks(medium).catch(() => ({ latest: undefined, slot: 1 }));
  const unit = medium.info.sectorSize;
  const superblock: Superblock = {
    unit,
    tierId,
    counter: (latest?.counter ?? 0) + 1,
    run: 1,
    baseId: base.id,
    baseSectorSize: base.sectorSize,
    baseSizeSectors: base.sizeSectors,
    ringStart: RING_START_BYTES,
    ringEnd: roundDown(medium.sizeBytes, unit),
    tail: { at: RING_START_BYTES, sequence: 0, check: 0 },
    drainingThrough: 0,
    durableThrough: 0,
    attachmentId: NO_ID,
    leftThrough: 0,
  };
  return formatSuperblocks(medium, superblock, 1 - slot);
}

export function checkMediumSize({ info, sizeBytes }: Medium): void {
  if (sizeBytes >= MEDIUM_BYTES_MIN) return;
  const what = `a write log needs ${MEDIUM_BYTES_MIN} bytes at least, and the medium ${info.name} has ${sizeBytes}`;
  throw new BlockError('INVALID_ARGUMENT', what);
}

export function somethingElse({ info }: Medium): BlockError {
  return new BlockError('ALREADY_EXISTS', `there is something on the medium ${info.name} that is no write log`);
}
