import {
  BlockError,
  type Clock,
  checkBoolean,
  checkClock,
  checkFunction,
  checkIntegerBetween,
  checkOptionNames,
  checkSectorSize,
  checkTimeMs,
  type KnownOptions,
  systemClock,
} from '@blockyard/block';
import { type Fetch, platformFetch } from './fetch.js';

/** What to read, and how; for {@link connectHttp}. */
export interface HttpOptions {
  /** `http://` or `https://`. Credentials have no place in it: `headers` does. */
  readonly url: string;
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 512. */
  readonly sectorSize?: number;
  /** Sent with each request to that server, and to no other. Never part of a message. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Read what the server has no validator for (`ETag` or `Last-Modified`), of which a change is not found out. Default: false. */
  readonly allowUnvalidated?: boolean;
  /** Requests under way at once. Default: 8. */
  readonly maxConcurrency?: number;
  /** Bytes that one request asks for, at most: whole sectors. Default: 4 MiB. */
  readonly maxRequestBytes?: number;
  /** Attempts at one request, at most; each goes on where the one before ended. Default: 8. */
  readonly maxAttempts?: number;
  /** Longest time without a byte before an attempt has failed, in milliseconds. Default: 30,000. */
  readonly maxSilenceMs?: number;
  /** Redirections that one request follows, at most. Never from https to http. Default: 5. */
  readonly maxRedirects?: number;
  /** Default: the platform's. */
  readonly fetch?: Fetch;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** From 0 to before 1, for the time between attempts. Default: the system's. */
  readonly random?: () => number;
}

const KNOWN: KnownOptions<HttpOptions> = {
  url: true,
  sectorSize: true,
  headers: true,
  allowUnvalidated: true,
  maxConcurrency: true,
  maxRequestBytes: true,
  maxAttempts: true,
  maxSilenceMs: true,
  maxRedirects: true,
  fetch: true,
  clock: true,
  random: true,
};

export type CheckedOptions = Required<Omit<HttpOptions, 'url'>> & { readonly url: URL };

/** What this package says itself. */
const RESERVED = ['range', 'if-match', 'if-unmodified-since', 'if-range', 'accept-encoding'];

/** The options with their defaults, or `INVALID_ARGUMENT`. No message repeats the URL or a header. */
export function checkOptions(options: HttpOptions): CheckedOptions {
  checkOptionNames(options, KNOWN);
  const { sectorSize = 512, headers = {}, allowUnvalidated = false, maxConcurrency = 8 } = options;
  const { maxRequestBytes = 4 * 2 ** 20, maxAttempts = 8, maxSilenceMs = 30_000, maxRedirects = 5 } = options;
  const { fetch = platformFetch, clock = systemClock, random = Math.random } = options;
  checkSectorSize(sectorSize);
  checkHeaders(headers);
  checkBoolean(allowUnvalidated, 'allowUnvalidated');
  checkIntegerBetween(maxConcurrency, 'maxConcurrency', 1);
  checkIntegerBetween(maxRequestBytes, 'maxRequestBytes', sectorSize, 2 ** 30);
  if (maxRequestBytes % sectorSize !== 0) throw invalid('maxRequestBytes must be whole sectors');
  checkIntegerBetween(maxAttempts, 'maxAttempts', 1);
  checkTimeMs(maxSilenceMs, 'maxSilenceMs', 1);
  checkIntegerBetween(maxRedirects, 'maxRedirects', 0);
  checkFunction(fetch, 'fetch');
  checkClock(clock);
  checkFunction(random, 'random');
  const limits = { maxConcurrency, maxRequestBytes, maxAttempts, maxSilenceMs, maxRedirects };
  return { url: urlOf(options.url), sectorSize, headers, allowUnvalidated, ...limits, fetch, clock, random };
}

function urlOf(text: unknown): URL {
  if (typeof text !== 'string' || !URL.canParse(text))
    throw invalid('url must be a URL, such as https://host/disk.img');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('url must begin with http:// or https://');
  if (url.username === '' && url.password === '') return url;
  throw invalid('credentials do not belong into a URL; headers has a place for them');
}

function checkHeaders(headers: unknown): void {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw invalid('headers must be an object of texts');
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw invalid('a name in headers is no name of a header');
    if (RESERVED.includes(name.toLowerCase())) throw invalid(`the header ${name} is not the caller's to set`);
    if (typeof value !== 'string' || /[\0\r\n]/.test(value))
      throw invalid(`the header ${name} must be one line of text`);
  }
}

function invalid(message: string): BlockError {
  return new BlockError('INVALID_ARGUMENT', message);
}
