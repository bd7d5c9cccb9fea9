import { type BlockDevice, BlockError, checkDevice, systemClock } from '@blockyard/block';
import { NO_ID } from './format/bytes.js';
import type { Superblock } from './format/superblock.js';
import { Medium } from './medium/medium.js';
import { findSuperblock } from './opening/find-superblock.js';
import { MEDIUM_WAIT_MS } from './options.js';

/** Whose log is on a medium. */
export interface WriteLogIdentity {
  readonly tierId: string;
  /** Which base it is for. */
  readonly baseId: string;
  readonly baseSectorSize: number;
  /** The last size of the base that was durable there, as far as the log knows. */
  readonly baseSizeSectors: number;
  /** By which the base knows that this tier may have what it does not; null if it does not, or cannot. */
  readonly attachment: string | null;
  /** Bytes. */
  readonly ringBytes: number;
}

/**
 * Tells whose log is on a medium, in two reads whatever the log has, and changes nothing. Null: the medium is empty. It stays
 * its owner's.
 *
 * Rejects with `ALREADY_EXISTS` if something else is on it, `CORRUPT` if its superblocks are damaged, `UNSUPPORTED` if a later
 * version has written it, and what it fails with.
 */
export async function identifyWriteLog(device: BlockDevice): Promise<WriteLogIdentity | null> {
  checkDevice(device, 'medium');
  try {
    const { superblock } = await findSuperblock(new Medium(device, systemClock, MEDIUM_WAIT_MS));
    return superblock === undefined ? null : identityOf(superblock);
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: device.info.name });
  }
}

export function identityOf(superblock: Superblock): WriteLogIdentity {
  const { tierId, baseId, baseSectorSize, baseSizeSectors, attachmentId, ringStart, ringEnd } = superblock;
  const attachment = attachmentId === NO_ID ? null : attachmentId;
  return { tierId, baseId, baseSectorSize, baseSizeSectors, attachment, ringBytes: ringEnd - ringStart };
}
