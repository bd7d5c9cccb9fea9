import { BlockError, type BlockErrorCode, isBlockError } from '@blockyard/block';

/** What the exceptions of the File System API mean, by their names. Those that are not listed are `IO`. */
const CODE_BY_NAME: Readonly<Record<string, BlockErrorCode>> = {
  NotFoundError: 'NOT_FOUND',
  // There is an access handle on the file.
  NoModificationAllowedError: 'LOCKED',
  QuotaExceededError: 'NO_SPACE',
  NotAllowedError: 'ACCESS_DENIED',
  SecurityError: 'ACCESS_DENIED',
};

/** An exception of the browser as a `BlockError`, with the original as its cause. A `BlockError` stays what it is. */
export function fromDomError(error: unknown, what: string): BlockError {
  if (isBlockError(error)) return error;
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  const code = Object.hasOwn(CODE_BY_NAME, name) ? CODE_BY_NAME[name] : undefined;
  return new BlockError(code ?? 'IO', `${what}: ${message}`, { cause: error });
}
