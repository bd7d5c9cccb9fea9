import { BlockError, type BlockErrorCode } from '@blockyard/block';
import { Errno } from '../wire/protocol.js';
import type { Job } from './job.js';

const CODE_BY_ERRNO: Readonly<Record<number, BlockErrorCode | undefined>> = {
  [Errno.EPERM]: 'READ_ONLY',
  [Errno.ENOMEM]: 'UNAVAILABLE',
  [Errno.EINVAL]: 'INVALID_ARGUMENT',
  [Errno.ENOSPC]: 'NO_SPACE',
  [Errno.EOVERFLOW]: 'UNSUPPORTED',
  [Errno.ENOTSUP]: 'UNSUPPORTED',
};

/** What the server answered, as an error of this library. */
export function answerError({ errno, message }: Job): BlockError {
  const text = message === '' ? '' : `: ${JSON.stringify(message)}`;
  return new BlockError(CODE_BY_ERRNO[errno] ?? 'IO', `the server answers errno ${errno}${text}`);
}
