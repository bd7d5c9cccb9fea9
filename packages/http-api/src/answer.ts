import type { ServerResponse } from 'node:http';
import { type BlockErrorCode, isBlockError } from '@blockyard/block';

/** What a request is answered with. */
export interface Answer {
  /** Default: 200. */
  readonly status?: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** Beside those that every answer has, or in their place. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on until its client, or the server, ends it. */
export interface StreamAnswer {
  readonly contentType: string;
  /** Beside those that every answer has, or in their place. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called once the head of the answer is on its way; writes the rest. */
  readonly open: (response: ServerResponse) => void;
}

/** Why a request was not carried out, as the API tells it. */
export interface ApiErrorBody {
  readonly error: {
    /** A `BlockErrorCode`, or one of {@link RequestErrorCode}. */
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
  };
}

/** What is wrong with a request itself, with the status of each. */
const REQUEST_ERRORS = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NO_SUCH_ROUTE: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  UPGRADE_FAILED: 409,
  BODY_TOO_LARGE: 413,
} as const;

/** Why a request is refused: each stands for a status of HTTP. */
export type RequestErrorCode = keyof typeof REQUEST_ERRORS;

/** A request that is refused. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: RequestErrorCode;
  readonly hint: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RequestErrorCode, message: string, hint?: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.headers = headers;
  }
}

/** The status of what a device fails with; 500 for the rest. */
const BLOCK_ERRORS: Readonly<Partial<Record<BlockErrorCode, number>>> = {
  INVALID_ARGUMENT: 400,
  UNALIGNED: 400,
  OUT_OF_BOUNDS: 400,
  READ_ONLY: 403,
  ACCESS_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  LOCKED: 409,
  FENCED: 409,
  TIER_MISSING: 409,
  UNSUPPORTED: 501,
  DISCONNECTED: 503,
  TIMEOUT: 503,
  UNAVAILABLE: 503,
  NO_SPACE: 507,
};

/** An answer of a value as JSON. */
export function json(value: unknown, status = 200): Answer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value)}\n` };
}

/** The answer that tells of a failure. */
export function failureAnswer(error: unknown): Answer {
  if (error instanceof RequestError) {
    const { code, message, hint, headers } = error;
    return { ...json(bodyOf(code, message, hint), REQUEST_ERRORS[code]), headers };
  }
  if (isBlockError(error)) return json(bodyOf(error.code, error.message), BLOCK_ERRORS[error.code] ?? 500);
  return json(bodyOf('INTERNAL', messageOf(error)), 500);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function bodyOf(code: string, message: string, hint?: string): ApiErrorBody {
  return { error: { code, message, ...(hint === undefined ? {} : { hint }) } };
}
