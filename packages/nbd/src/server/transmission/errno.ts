import { type BlockErrorCode, isBlockError } from '@blockyard/block';
import { Command, Errno } from '../../wire/protocol.js';

/** What has an errno of its own. All else is an I/O error to the client; the server's `onEvent` hears the whole of it. */
const ERRNO_BY_CODE: Readonly<Partial<Record<BlockErrorCode, number>>> = {
  NO_SPACE: Errno.ENOSPC,
  READ_ONLY: Errno.EPERM,
};

/** The errno for a range that ends past the export: the protocol has one for what writes and one for all else. */
export function pastEndErrno(command: number): number {
  return command === Command.WRITE || command === Command.WRITE_ZEROES ? Errno.ENOSPC : Errno.EINVAL;
}

/** The errno for a command at which the device failed. */
export function errnoOf(error: unknown, command: number): number {
  if (!isBlockError(error)) return Errno.EIO;
  // The device has shrunk since the client connected.
  if (error.code === 'OUT_OF_BOUNDS') return pastEndErrno(command);
  return ERRNO_BY_CODE[error.code] ?? Errno.EIO;
}

/** What the client is told in words: the code alone, for a message may hold what the client must not learn. */
export function messageFor(error: unknown): string {
  return isBlockError(error) ? error.code : 'IO';
}
