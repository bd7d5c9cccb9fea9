import { BlockError, type BlockErrorCode, isBlockError } from '@blockyard/block';

/** What the operating system's errors mean here. Those that are not listed are `IO`. */
const CODE_BY_ERRNO: Readonly<Record<string, BlockErrorCode>> = {
  ENOENT: 'NOT_FOUND',
  ENOTDIR: 'NOT_FOUND',
  EEXIST: 'ALREADY_EXISTS',
  EACCES: 'ACCESS_DENIED',
  EPERM: 'ACCESS_DENIED',
  EROFS: 'READ_ONLY',
  EBUSY: 'LOCKED',
  ETXTBSY: 'LOCKED',
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EFBIG: 'NO_SPACE',
  ETIMEDOUT: 'TIMEOUT',
  EMFILE: 'UNAVAILABLE',
  ENFILE: 'UNAVAILABLE',
};

/** The name of the system's error, `ENOENT` say, if it is one. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return error instanceof Error && typeof code === 'string' ? code : undefined;
}

/** An error of the operating system as a `BlockError`, with the original as its cause. One that is one already stays it. */
export function fromErrno(error: unknown): BlockError {
  if (isBlockError(error)) return error;
  const errno = errnoOf(error);
  const code = errno !== undefined && Object.hasOwn(CODE_BY_ERRNO, errno) ? CODE_BY_ERRNO[errno] : undefined;
  return new BlockError(code ?? 'IO', error instanceof Error ? error.message : String(error), { cause: error });
}
