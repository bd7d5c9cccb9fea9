import { type BlockDevice, BlockError, checkDevice, systemClock } from '@blockyard/block';
import { identityOf, type WriteLogIdentity } from './identity.js';
import { Medium } from './medium/medium.js';
import { chainOf } from './opening/chain.js';
import { findSuperblock } from './opening/find-superblock.js';
import { MEDIUM_WAIT_MS } from './options.js';

/** What the medium of a write log says of itself. Bytes, unless said otherwise. */
export interface WriteLogInspection extends WriteLogIdentity {
  /** What the base may not have, as far as it can be read. */
  readonly undrained: {
    readonly records: number;
    /** Data. */
    readonly bytes: number;
    /** For how long the oldest of it has been there, in milliseconds by the clock on the wall; undefined if there is none. */
    readonly oldestMs: number | undefined;
  };
  /** Why that is not all of it: something that was durable is damaged. */
  readonly error: BlockError | undefined;
}

/**
 * Looks at a medium, and changes nothing. It stays its owner's.
 *
 * Rejects with `NOT_FOUND` if it is empty, `ALREADY_EXISTS` if something else is on it, `CORRUPT` if its superblocks are damaged,
 * `UNSUPPORTED` if a later version has written it, and what it fails with.
 */
export async function inspectWriteLog(device: BlockDevice): Promise<WriteLogInspection> {
  checkDevice(device, 'medium');
  try {
    const medium = new Medium(device, systemClock, MEDIUM_WAIT_MS);
    const { superblock } = await findSuperblock(medium);
    if (superblock === undefined) throw new BlockError('NOT_FOUND', `there is no write log on ${device.info.name}`);
    let [records, bytes] = [0, 0];
    let oldestMs: number | undefined;
    const chain = chainOf(medium, superblock);
    for (let step = await chain.next(); ; step = await chain.next()) {
      if (step.done === true) {
        return { ...identityOf(superblock), undrained: { records, bytes, oldestMs }, error: step.value.error };
      }
      const { payloadBytes, writtenAtMs } = step.value.header;
      records++;
      bytes += payloadBytes;
      oldestMs ??= Math.max(0, Date.now() - writtenAtMs);
    }
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device: device.info.name });
  }
}
