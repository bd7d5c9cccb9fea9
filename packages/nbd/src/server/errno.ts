import { type BlockErrorCode, isBlockError } from '@blockyard/block';
import { Errno } from '../wire/protocol.js';

/** What has an errno of its own. All else is an I/O error to the client; the server's `onEvent` hears the whole of it. */
const ERRNO_BY_CODE: Readonly<Partial<Record<BlockErrorCode, number>>> = {
  NO_SPACE: Errno.ENOSPC,
  READ_ONLY: Errno.EPERM,
};

/** The errno for a failure of the device. `changes`: whether the command was one that changes it. */
export function errnoOf(error: unknown, changes: boolean): number {
  if (!isBlockError(error)) return Errno.EIO;
  // The device has shrunk since the client connected; the protocol has one code for each kind of command.
  if (error.code === 'OUT_OF_BOUNDS') return changes ? Errno.ENOSPC : Errno.EINVAL;
  return ERRNO_BY_CODE[error.code] ?? Errno.EIO;
}

/** What the client is told in words: the code alone, for a message may hold what is none of its business. */
export function messageFor(error: unknown): string {
  return isBlockError(error) ? error.code : 'IO';
}
