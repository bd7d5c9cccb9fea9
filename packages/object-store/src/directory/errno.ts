import { BlockError, type BlockErrorCode, isBlockError } from '@blockyard/block';

/** What the operating system's errors mean here. Those that are not listed are `IO`. */
const CODE_BY_ERRNO: Readonly<Record<string, BlockErrorCode>> = {
  ENOENT: 'NOT_FOUND',
  ENOTDIR: 'NOT_FOUND',
  EACCES: 'ACCESS_DENIED',
  EPERM: 'ACCESS_DENIED',
  EROFS: 'READ_ONLY',
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EFBIG: 'NO_SPACE',
  EMFILE: 'UNAVAILABLE',
  ENFILE: 'UNAVAILABLE',
};

/** The name of the system's error, `ENOENT` say, if it is one. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return error instanceof Error && typeof code === 'string' ? code : undefined;
}

/** A failure of the operating system as a `BlockError` that names the request, with the original as its cause. */
export function fromErrno(error: unknown, what: string): BlockError {
  if (isBlockError(error)) return error;
  const errno = errnoOf(error) ?? '';
  const code = Object.hasOwn(CODE_BY_ERRNO, errno) ? CODE_BY_ERRNO[errno] : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return new BlockError(code ?? 'IO', `${what}: ${message}`, { cause: error });
}

/** What the call gives, or undefined if it fails in one of these ways. */
export async function unless<T>(errnos: readonly string[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (errnos.includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
