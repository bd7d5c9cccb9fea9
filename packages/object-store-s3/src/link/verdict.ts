import { type Failure, failureOf } from './store-error.js';

/**
 * Whether a request that failed has changed anything. `no`: it was not carried out, and never will be. `unknown`: no one can
 * say.
 */
export type CarriedOut = 'no' | 'unknown';

/**
 * What may help. `wait`: the same request later. `repeat`: the same request, but an answer that is wrong again and again is the
 * store's way. `credentials`: a fresh look at where they come from. `rights`: the same, if there was none a moment ago.
 * `clock`: nothing but the correction that the SDK has made from the answer. `none`: it fails, or the caller knows more.
 */
export type Remedy = 'wait' | 'repeat' | 'credentials' | 'rights' | 'clock' | 'none';

export interface Verdict {
  readonly carriedOut: CarriedOut;
  readonly remedy: Remedy;
  /** Whether the failure is the store's wish for fewer requests. */
  readonly isForLoad?: true;
}

/** Failures of a kind, with the reason for what is concluded from them. */
interface Row extends Verdict {
  readonly of: (failure: Failure) => boolean;
  readonly because: string;
}

/** Made by the SDK where the answer has no code of S3's: its body is empty, or not the store's, as a proxy's is. */
const NAMELESS: ReadonlySet<string> = new Set(['Unknown', 'UnknownError', 'NotFound', 'Error', 'S3ServiceException']);

/** What stores call credentials that they do not know, or no longer accept. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  'AuthFailure',
  'AuthorizationHeaderMalformed',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSecurity',
  'InvalidToken',
  'MissingSecurityHeader',
  'NotSignedUp',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
  'UnrecognizedClient',
]);

const THROTTLED: ReadonlySet<string> = new Set([
  'BandwidthLimitExceeded',
  'RequestLimitExceeded',
  'RequestThrottled',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'TooManyRequestsException',
]);

const FULL: ReadonlySet<string> = new Set(['QuotaExceeded', 'XMinioStorageFull']);

/** Of a handshake that ends before the request is written. */
const BAD_CERTIFICATE = /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_)/;

/** What the network does, and may stop doing. */
const NETWORK: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EMFILE',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENFILE',
  'ENOBUFS',
  'ENOTFOUND',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
]);

/**
 * The question to each failure: can the request have been carried out, or can it still be? `no` stands only where the store
 * itself says so, or where nothing was sent. Everything else is `unknown`, which costs one look at the object. From top to
 * bottom; the first row that fits holds.
 */
const ROWS: readonly Row[] = [
  // No answer.
  {
    of: ({ status, beforeSending }) => status === undefined && beforeSending,
    carriedOut: 'no',
    remedy: 'wait',
    because: 'there was no connection, so nothing was sent',
  },
  {
    of: ({ status, system }) => status === undefined && BAD_CERTIFICATE.test(system ?? ''),
    carriedOut: 'no',
    remedy: 'none',
    because: 'the handshake failed before the request was written, and will again',
  },
  {
    of: ({ name }) => /^(Credentials|Token)ProviderError$/.test(name),
    carriedOut: 'no',
    remedy: 'credentials',
    because: 'nothing was signed, so nothing was sent',
  },
  {
    of: ({ status, system, name }) => status === undefined && (NETWORK.has(system ?? '') || name === 'TimeoutError'),
    carriedOut: 'unknown',
    remedy: 'wait',
    because: 'the connection ended, or fell silent, when the store may have had the whole request',
  },
  {
    of: ({ name }) => name === 'NotAnAnswer',
    carriedOut: 'unknown',
    remedy: 'wait',
    because:
      'something on the way answered in place of the store, as gateways do while a store is away; it may have heard of it',
  },
  {
    of: ({ status, system }) => status === undefined && /^HPE_/.test(system ?? ''),
    carriedOut: 'unknown',
    remedy: 'repeat',
    because: 'something answered that is no HTTP; the request may have gone further',
  },
  {
    of: ({ status }) => status === undefined,
    carriedOut: 'unknown',
    remedy: 'none',
    because: 'no failure of a network, so trying again would give the same; and what was sent is not known',
  },
  // Answers that say yes and make no sense.
  {
    of: ({ name }) => name === 'NotAnAnswer',
    carriedOut: 'unknown',
    remedy: 'repeat',
    because: 'something on the way answered in place of the store, which may have had the request',
  },
  {
    of: ({ status = 0 }) => status < 300,
    carriedOut: 'unknown',
    remedy: 'repeat',
    because: 'the store said yes in words that cannot be read; most likely it was carried out',
  },
  {
    of: ({ status = 0, name }) => status < 400 && /Redirect$/.test(name),
    carriedOut: 'no',
    remedy: 'none',
    because: 'this endpoint does not have the bucket; it says where to go instead',
  },
  {
    of: ({ status = 0 }) => status < 400,
    carriedOut: 'unknown',
    remedy: 'none',
    because: 'not S3: a proxy, or a page to log in at. Some send away only after the work is done',
  },
  // Answers that say no.
  {
    of: ({ name, clockCorrected }) => name === 'RequestTimeTooSkewed' || clockCorrected,
    carriedOut: 'no',
    remedy: 'clock',
    because: 'the signature is checked before anything is done',
  },
  {
    of: ({ name }) => CREDENTIALS.has(name),
    carriedOut: 'no',
    remedy: 'credentials',
    because: 'the signature is checked before anything is done',
  },
  {
    of: ({ name }) => FULL.has(name),
    carriedOut: 'unknown',
    remedy: 'none',
    because: 'a store may find out in the middle of the work that there is no space for it',
  },
  {
    of: ({ status }) => status === 412,
    carriedOut: 'no',
    remedy: 'none',
    because: 'the condition is part of the work, and did not hold',
  },
  {
    of: ({ name, status }) => name === 'RequestTimeout' || status === 408,
    carriedOut: 'unknown',
    remedy: 'wait',
    because: 'the body came slowly; a gateway says so also when it has passed all of it on',
  },
  {
    of: ({ name, status }) => THROTTLED.has(name) || status === 429,
    carriedOut: 'unknown',
    remedy: 'wait',
    isForLoad: true,
    because: 'a gateway counts answers too, and a store may break off within the work',
  },
  {
    of: ({ name, status }) => !NAMELESS.has(name) && (status === 401 || status === 403),
    carriedOut: 'no',
    remedy: 'rights',
    because: 'rights are checked before anything is done; some stores call expired keys this too',
  },
  {
    of: ({ status }) => status === 401 || status === 403,
    carriedOut: 'unknown',
    remedy: 'rights',
    because: 'no word of S3: a gateway that refuses answers as well as requests',
  },
  {
    of: ({ name, status = 0 }) => !NAMELESS.has(name) && status < 500 && status !== 499,
    carriedOut: 'no',
    remedy: 'none',
    because: 'the store looked at the request, or at its condition, and declined it',
  },
  {
    // The answer to HEAD has no body, and so no code of S3's; 400 is what many say to an expired token.
    of: ({ status }) => status === 400,
    carriedOut: 'unknown',
    remedy: 'rights',
    because: 'no word of S3: whatever stands before the store may have passed the request on',
  },
  {
    of: ({ status = 0 }) => status < 500,
    carriedOut: 'unknown',
    remedy: 'none',
    because: 'no word of S3: whatever stands before the store may have passed the request on',
  },
  {
    of: ({ name, status }) => !NAMELESS.has(name) && (status === 501 || status === 505),
    carriedOut: 'no',
    remedy: 'none',
    because: 'the store does not know what is asked of it',
  },
  {
    of: ({ status }) => status === 501 || status === 505 || status === 507,
    carriedOut: 'unknown',
    remedy: 'none',
    because: 'waiting does not help; how far the store got, or whatever stands before it, it does not say',
  },
  {
    of: ({ status }) => status === 503,
    carriedOut: 'unknown',
    remedy: 'wait',
    isForLoad: true,
    because: 'a gateway says so also when it has lost the answer',
  },
  {
    of: () => true,
    carriedOut: 'unknown',
    remedy: 'wait',
    because: 'the store broke within its work, or a gateway lost its answer',
  },
];

/** What follows from a failure of one attempt at a request. */
export function judge(error: unknown): Verdict {
  const failure = failureOf(error);
  const row = ROWS.find(({ of }) => of(failure));
  if (row === undefined) throw new Error('the last row fits everything');
  return row;
}
