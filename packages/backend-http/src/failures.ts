import { BlockError, type BlockErrorCode } from '@blockyard/block';

/** An attempt has failed, and another may succeed. */
export class AttemptFailed extends Error {
  override readonly name = 'AttemptFailed';
  /** What it comes to where no attempt succeeds. */
  readonly code: BlockErrorCode;
  /** The server asks not to be asked sooner. */
  readonly waitMs: number;

  constructor(
    code: BlockErrorCode,
    message: string,
    options: { readonly waitMs?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.waitMs = options.waitMs ?? 0;
  }
}

/** The server, or something before it, answers what was not asked. */
export function wrongAnswer(message: string): AttemptFailed {
  return new AttemptFailed('IO', message);
}

/** What was read before does not go with what is there now. */
export function changed(message: string): BlockError {
  return new BlockError('IO', `what lies on the server has changed since it was opened: ${message}`);
}

/** The longest that a server's wish is heeded, in milliseconds. */
const WAIT_MS_MAX = 30_000;

/** The failure that a status is. */
export function failureOf(status: number, retryAfter: string | null): AttemptFailed | BlockError {
  const what = `the server answers ${status}`;
  if (status === 401 || status === 403 || status === 407) return new BlockError('ACCESS_DENIED', what);
  if (status === 404 || status === 410) return new BlockError('NOT_FOUND', what);
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const seconds = /^\d{1,9}$/.test(retryAfter ?? '') ? Number(retryAfter) : 0;
    return new AttemptFailed('UNAVAILABLE', what, { waitMs: Math.min(seconds * 1000, WAIT_MS_MAX) });
  }
  return wrongAnswer(what);
}
