import { BlockError, type BlockErrorCode, isBlockError } from '@blockyard/block';

/** What is known of a failed request, from whichever layer of the SDK it comes. */
export interface Failure {
  /** Name of the S3 error, or of the error class. */
  readonly name: string;
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined;
  /** The system's code, if there was none: `ECONNRESET`. */
  readonly system: string | undefined;
  /** Whether it ended before there was a connection. */
  readonly beforeSending: boolean;
  /** Whether the SDK has set its clock right by the answer, so that the same request would pass now. */
  readonly clockCorrected: boolean;
  /** How long the store wants to be left alone. */
  readonly retryAfterMs: number;
  readonly message: string;
  readonly attempts: number;
  /** Where the bucket is, if the answer says so. */
  readonly region: string | undefined;
  /** Scheme and host that the answer sends to, if it does. */
  readonly location: string | undefined;
}

const CODE_BY_NAME: Readonly<Record<string, BlockErrorCode>> = {
  NoSuchBucket: 'NOT_FOUND',
  NoSuchKey: 'NOT_FOUND',
  // As one of many in the answer to DeleteObjects there is a name alone, no status.
  AccessDenied: 'ACCESS_DENIED',
  InternalError: 'UNAVAILABLE',
  ServiceUnavailable: 'UNAVAILABLE',
  CredentialsProviderError: 'ACCESS_DENIED',
  // Some stores answer a wrong key or a missing signature with 400.
  InvalidAccessKeyId: 'ACCESS_DENIED',
  InvalidToken: 'ACCESS_DENIED',
  ExpiredToken: 'ACCESS_DENIED',
  AuthorizationHeaderMalformed: 'ACCESS_DENIED',
  MissingSecurityHeader: 'ACCESS_DENIED',
  QuotaExceeded: 'NO_SPACE',
  XMinioStorageFull: 'NO_SPACE',
  InvalidBucketName: 'INVALID_ARGUMENT',
  InvalidObjectState: 'UNSUPPORTED',
  TimeoutError: 'TIMEOUT',
  RequestTimeout: 'TIMEOUT',
  SlowDown: 'UNAVAILABLE',
  // What came is not from the store, or was spoilt on the way.
  NotAnAnswer: 'UNAVAILABLE',
};

const CODE_BY_STATUS: Readonly<Record<number, BlockErrorCode>> = {
  // The bucket is in another region.
  301: 'INVALID_ARGUMENT',
  // To the page of a captive portal.
  302: 'UNAVAILABLE',
  303: 'UNAVAILABLE',
  307: 'INVALID_ARGUMENT',
  308: 'INVALID_ARGUMENT',
  401: 'ACCESS_DENIED',
  403: 'ACCESS_DENIED',
  404: 'NOT_FOUND',
  405: 'UNSUPPORTED',
  408: 'TIMEOUT',
  409: 'UNAVAILABLE',
  429: 'UNAVAILABLE',
  501: 'UNSUPPORTED',
  507: 'NO_SPACE',
};

const CODE_BY_SYSTEM: Readonly<Record<string, BlockErrorCode>> = {
  ETIMEDOUT: 'TIMEOUT',
  ECONNRESET: 'UNAVAILABLE',
  ECONNREFUSED: 'UNAVAILABLE',
  ECONNABORTED: 'UNAVAILABLE',
  EPIPE: 'UNAVAILABLE',
  ENOTFOUND: 'UNAVAILABLE',
  EAI_AGAIN: 'UNAVAILABLE',
  EHOSTUNREACH: 'UNAVAILABLE',
  ENETUNREACH: 'UNAVAILABLE',
  EADDRNOTAVAIL: 'UNAVAILABLE',
};

/**
 * Whatever a request failed with as a BlockError that says what and where: `PUT s3://bucket/key: SlowDown (503), 5 attempts`.
 * Of the original message only what stores are known to write is kept: it is the `cause`, which is the SDK's.
 */
export function toBlockError(error: unknown, what: string, tries = 1): BlockError {
  if (isBlockError(error)) return error;
  const failure = failureOf(error);
  const { name, status, system } = failure;
  // A client that tries again by itself does so within each try of ours.
  const attempts = failure.attempts * tries;
  const detail = detailOf(failure);
  const said = status === undefined ? (system ?? name) : wordsFor(failure);
  const times = attempts > 1 ? `, ${attempts} attempts` : '';
  return new BlockError(codeOf(failure), `${what}: ${said}${times}${detail}`, { cause: error });
}

/** What is known beyond name and status, with a colon in front. */
function detailOf(failure: Failure): string {
  const { name, message, region, location } = failure;
  if (isElsewhere(failure)) return `: the bucket is in the region ${region}`;
  if (location !== undefined) return `: it sends to ${location}`;
  const isPlain = message === '' || message === 'UnknownError' || message === name || isUnreadable(failure);
  return isPlain ? '' : `: ${message}`;
}

/** Names that the SDK gives to an answer that has none: the body is empty, as that of every answer to HEAD is, or not XML. */
const NO_NAME: readonly string[] = ['Unknown', 'UnknownError', 'Error'];

/** `SlowDown (503)`, or `status 403, which gives no reason`. */
function wordsFor(failure: Failure): string {
  const { name, status } = failure;
  if (isUnreadable(failure)) return `status ${status} with a body that is not XML of S3`;
  return NO_NAME.includes(name) ? `status ${status}, which gives no reason` : `${name} (${status})`;
}

/** Whether the SDK could make nothing of the body. What it says then is of no use. */
function isUnreadable({ name, status, message }: Failure): boolean {
  return status !== undefined && name === 'Error' && message.includes('Deserialization error');
}

/** Whether the request went to another region than the bucket's. */
function isElsewhere({ name, status, region }: Failure): boolean {
  if (region === undefined) return false;
  return (
    status === 301 || status === 307 || (status === 400 && (WRONG_REGION.includes(name) || NO_NAME.includes(name)))
  );
}

const WRONG_REGION: readonly string[] = ['AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'];

/** What the SDK says, without a name of its own, where neither an option nor the environment has one. */
const NO_REGION = 'Region is missing';

function codeOf(failure: Failure): BlockErrorCode {
  const { name, status, system, message } = failure;
  if (isElsewhere(failure)) return 'INVALID_ARGUMENT';
  // First the system's code: the SDK calls a connection that was reset or refused a `TimeoutError`.
  if (system !== undefined && Object.hasOwn(CODE_BY_SYSTEM, system)) return CODE_BY_SYSTEM[system] ?? 'IO';
  if (Object.hasOwn(CODE_BY_NAME, name)) return CODE_BY_NAME[name] ?? 'IO';
  if (status === undefined) return message === NO_REGION ? 'INVALID_ARGUMENT' : 'IO';
  // A success that could not be read: it broke off, or something on the way put its own words in its place.
  if (status < 300) return 'UNAVAILABLE';
  return CODE_BY_STATUS[status] ?? (status >= 500 ? 'UNAVAILABLE' : 'IO');
}

/** Whether a PUT failed because its condition does not hold, or no longer holds, or may have. */
export function isLostCondition(error: unknown): boolean {
  // 404: the object that If-Match speaks of is gone.
  return [412, 409, 404].includes(statusOfObject(error));
}

/** Whether a store may have refused a DeleteObjects because it has no such request, or wants it otherwise. */
export function isBatchRefused(error: unknown): boolean {
  return [400, 404, 405, 411, 415, 501].includes(statusOfObject(error));
}

export function isMissingKey(error: unknown): boolean {
  return statusOfObject(error) === 404;
}

/** Whether a GET met a PUT of the same object, which Ceph does not sort out by itself. */
export function isBusy(error: unknown): boolean {
  return statusOfObject(error) === 409;
}

export function isRangeBeyondEnd(error: unknown): boolean {
  return statusOfObject(error) === 416;
}

/** The status of an answer of the store that speaks of the object; 0 if there is no such answer. */
function statusOfObject(error: unknown): number {
  const { name, status } = failureOf(error);
  return status === undefined || name === 'NoSuchBucket' || name === 'NotAnAnswer' ? 0 : status;
}

/** System calls that come before anything is sent. */
const CONNECTING: ReadonlySet<unknown> = new Set(['connect', 'getaddrinfo']);

export function failureOf(error: unknown): Failure {
  if (typeof error !== 'object' || error === null) return { ...NOTHING_KNOWN, message: String(error) };
  const { name, code, message, $metadata, $response } = error as Record<string, unknown>;
  const { httpStatusCode, attempts, clockSkewCorrected } = ($metadata ?? {}) as Record<string, unknown>;
  return {
    name: typeof name === 'string' ? name : 'Error',
    status: typeof httpStatusCode === 'number' ? httpStatusCode : undefined,
    system: typeof code === 'string' ? code : undefined,
    beforeSending: isBeforeSending(error),
    clockCorrected: clockSkewCorrected === true,
    retryAfterMs: retryAfterMs($response),
    message: typeof message === 'string' ? message : '',
    attempts: typeof attempts === 'number' ? attempts : 1,
    region: regionOf(error),
    location: locationOf(error),
  };
}

const NOTHING_KNOWN: Failure = {
  name: 'Error',
  status: undefined,
  system: undefined,
  beforeSending: false,
  clockCorrected: false,
  retryAfterMs: 0,
  message: '',
  attempts: 1,
  region: undefined,
  location: undefined,
};

/**
 * AWS names the region in the body, which the SDK makes properties of, or in a header, the only place for it where there is no
 * body.
 */
function regionOf(error: object): string | undefined {
  const { Region, $response } = error as { Region?: unknown; $response?: { headers?: Record<string, unknown> } };
  const region = Region ?? $response?.headers?.['x-amz-bucket-region'];
  return typeof region === 'string' && /^[\w-]{1,64}$/.test(region) ? region : undefined;
}

/** A proxy that wants TLS, or a login, sends somewhere else. Of the URL only what cannot have a secret in it. */
function locationOf(error: object): string | undefined {
  const { $response } = error as { $response?: { statusCode?: number; headers?: Record<string, unknown> } };
  const { statusCode = 0, headers } = $response ?? {};
  const location = String(headers?.location ?? '');
  return statusCode >= 300 && statusCode < 400 && URL.canParse(location) ? new URL(location).origin : undefined;
}

/** A store that wants more than this is asked sooner. */
const RETRY_AFTER_MS_MAX = 60_000;

/** What the header `Retry-After` says, in seconds or as a date. */
function retryAfterMs(response: unknown): number {
  const text = (response as { headers?: Record<string, unknown> } | undefined)?.headers?.['retry-after'];
  if (typeof text !== 'string') return 0;
  const delayMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(delayMs) ? 0 : Math.min(RETRY_AFTER_MS_MAX, Math.max(0, delayMs));
}

function isBeforeSending(error: object): boolean {
  const { syscall, errors } = error as { syscall?: unknown; errors?: unknown };
  if (CONNECTING.has(syscall)) return true;
  // Where a name has several addresses, Node tries them all, and throws what each said.
  return Array.isArray(errors) && errors.length > 0 && errors.every((each) => CONNECTING.has(each?.syscall));
}
