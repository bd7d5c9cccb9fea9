import { BlockError, type BlockErrorCode, isBlockError } from './error.js';

/** What errors of the operating system mean, by their names. */
export type ErrnoCodes = Readonly<Record<string, BlockErrorCode>>;

/** What they mean to everything that keeps its data in files. Those that are not listed are `IO`. */
export const CODE_BY_ERRNO: ErrnoCodes = {
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

/** The name of the system's error, `ENOENT` for example, if it is one: the `code` of an error as Node and others throw it. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return error instanceof Error && typeof code === 'string' ? code : undefined;
}

/**
 * An error of the operating system as a `BlockError`, with the original as its cause. One that is a `BlockError` already
 * stays what it is.
 *
 * `codes` says what the errors mean here: what is not in the table is `IO`. `what` is the request that failed, put before the
 * message.
 */
export function fromErrno(
  error: unknown,
  { codes = CODE_BY_ERRNO, what }: { readonly codes?: ErrnoCodes; readonly what?: string } = {},
): BlockError {
  if (isBlockError(error)) return error;
  const errno = errnoOf(error) ?? '';
  const code = Object.hasOwn(codes, errno) ? codes[errno] : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return new BlockError(code ?? 'IO', what === undefined ? message : `${what}: ${message}`, { cause: error });
}

/** What the call gives, or undefined if it fails in one of these ways. */
export async function unlessErrno<T>(errnos: readonly string[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (errnos.includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
