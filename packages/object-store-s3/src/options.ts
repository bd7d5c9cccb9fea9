import type { S3Client } from '@aws-sdk/client-s3';
import {
  BlockError,
  type Clock,
  checkBoolean,
  checkFunction,
  checkIntegerBetween,
  checkOptionNames,
  type KnownOptions,
  systemClock,
} from '@blockyard/block';
import type { ClassOf } from '@blockyard/object-store';
import type { S3Credentials, S3CredentialsProvider } from './link/credentials.js';

/**
 * How to reach a bucket: with a client of yours, or with what is needed to make one. What the environment may say or not
 * (`process.env.S3_ENDPOINT`) may be undefined, which is as if it was left out.
 */
export interface S3ConnectionOptions {
  readonly bucket: string;
  /** A client set up by you. It is not destroyed at the end. Left out: one is made from the four options below. */
  readonly client?: S3Client;
  /** URL of the store. Left out: AWS. */
  readonly endpoint?: string | undefined;
  /** Default: what the environment says or, with an `endpoint`, `us-east-1`. */
  readonly region?: string | undefined;
  /**
   * What to sign with, or what gives it. When the store refuses what it gave, a provider is asked once more, and the SDK's own
   * places are looked at anew, files included. Default: what the SDK finds in the environment, in its files, or on the machine.
   */
  readonly credentials?: S3Credentials | S3CredentialsProvider | undefined;
  /** `endpoint/bucket/key` in place of `bucket.endpoint/key`. Default: true with an `endpoint`. */
  readonly forcePathStyle?: boolean | undefined;
  /**
   * Whether the hash of each body is signed over TLS too, which protects bodies by itself: for a bucket whose policy asks for it,
   * or where TLS ends before the store. It costs about a millisecond of processor time for each MiB. Over plain HTTP it is
   * always signed, and by a `client` of yours. Default: false.
   */
  readonly signBodies?: boolean;
  /**
   * Longest that one attempt at one request may be without progress: without bytes that leave or arrive. Added to it is what a
   * line of 16 KiB/s takes for the bytes of the request, which bounds the attempt as a whole. Default: 30,000.
   */
  readonly requestTimeoutMs?: number;
  /** How long a request that fails for a reason that may pass is tried again, from its first failure on. Default: 30,000. */
  readonly maxOutageMs?: number;
  /**
   * How often a request is tried, in addition to that bound. Default: as often as there is time. A `client` of yours tries as
   * often as it was told to, each time.
   */
  readonly maxAttempts?: number;
  /** Drives all waiting and all time-outs. Default: the system's. */
  readonly clock?: Clock;
  /** Chance, from 0 to before 1, for the length of waits. Default: `Math.random`. */
  readonly random?: () => number;
}

/** Which bucket, how to reach it, and within which bounds; for {@link openS3Store}. */
export interface S3StoreOptions extends S3ConnectionOptions {
  /** What events call the store. Default: `s3://bucket`. */
  readonly name?: string;
  /** Most data requests in flight at once. There are fewer where they time out or take long. Default: 64. */
  readonly maxConcurrency?: number;
  /** Data requests that may be in flight in any case. Default: 1. */
  readonly minConcurrency?: number;
  /** Which keys are of data. GETs and PUTs of others are few and small, and go at once. Default: all. */
  readonly isData?: (key: string) => boolean;
  /** What keys are for, so that traffic tells it. Default: all are of one class. */
  readonly classOf?: ClassOf;
}

/** Names of options; as records, so that one left out does not compile. */
export const S3_CONNECTION_OPTIONS: KnownOptions<S3ConnectionOptions> = {
  bucket: true,
  client: true,
  endpoint: true,
  region: true,
  credentials: true,
  forcePathStyle: true,
  signBodies: true,
  requestTimeoutMs: true,
  maxOutageMs: true,
  maxAttempts: true,
  clock: true,
  random: true,
};
const S3_STORE_OPTIONS: KnownOptions<S3StoreOptions> = {
  ...S3_CONNECTION_OPTIONS,
  name: true,
  maxConcurrency: true,
  minConcurrency: true,
  isData: true,
  classOf: true,
};

const REQUEST_TIMEOUT_MS_DEFAULT = 30_000;
/** A store that is silent for longer than that will not answer. */
const REQUEST_TIMEOUT_MS_MAX = 3_600_000;
/** Longer than the restart of a gateway or of a whole small store, and short enough for an operator who waits at a terminal. */
const MAX_OUTAGE_MS_DEFAULT = 30_000;
/** A day. */
const MAX_OUTAGE_MS_MAX = 86_400_000;
const MAX_ATTEMPTS_MAX = 1_000_000;
/** Over 20 ms as many keep a line of 3,000 small reads a second busy. */
export const MAX_CONCURRENCY_DEFAULT = 64;
/** The largest bound of data requests in flight. */
export const MAX_CONCURRENCY_MAX = 256;

/** Where a client is found by itself if none is given. */
const CLIENT_PARTS = ['endpoint', 'region', 'credentials', 'forcePathStyle'] as const;

/** The options of a connection with their defaults. */
export interface S3ConnectionSettings extends S3ConnectionOptions {
  readonly signBodies: boolean;
  readonly requestTimeoutMs: number;
  readonly maxOutageMs: number;
  readonly maxAttempts: number;
  readonly clock: Clock;
  readonly random: () => number;
}

export interface S3StoreSettings extends S3ConnectionSettings {
  readonly name: string;
  readonly maxConcurrency: number;
  readonly minConcurrency: number;
  readonly isData: (key: string) => boolean;
  readonly classOf: ClassOf | undefined;
}

/** Those of the options that are of the connection, with their defaults. Throws `INVALID_ARGUMENT` that names the option. */
export function checkS3Connection(options: S3ConnectionOptions): S3ConnectionSettings {
  const { bucket, client, forcePathStyle } = options;
  if (typeof bucket !== 'string' || bucket === '' || bucket.includes('/')) {
    throw new BlockError('INVALID_ARGUMENT', `bucket must be the name of a bucket, not ${JSON.stringify(bucket)}`);
  }
  if (client !== undefined) checkClient(client, options);
  for (const name of ['endpoint', 'region'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw new BlockError('INVALID_ARGUMENT', `${name} must be a string that is not empty`);
    }
  }
  if (forcePathStyle !== undefined) checkBoolean(forcePathStyle, 'forcePathStyle');
  const {
    signBodies = false,
    requestTimeoutMs = REQUEST_TIMEOUT_MS_DEFAULT,
    maxOutageMs = MAX_OUTAGE_MS_DEFAULT,
    maxAttempts = Number.POSITIVE_INFINITY,
    clock = systemClock,
    random = Math.random,
  } = options;
  checkBoolean(signBodies, 'signBodies');
  checkIntegerBetween(requestTimeoutMs, 'requestTimeoutMs', 1, REQUEST_TIMEOUT_MS_MAX);
  checkIntegerBetween(maxOutageMs, 'maxOutageMs', 0, MAX_OUTAGE_MS_MAX);
  if (maxAttempts !== Number.POSITIVE_INFINITY) checkIntegerBetween(maxAttempts, 'maxAttempts', 1, MAX_ATTEMPTS_MAX);
  return { ...connectionOf(options), signBodies, requestTimeoutMs, maxOutageMs, maxAttempts, clock, random };
}

export function checkS3StoreOptions(options: S3StoreOptions): S3StoreSettings {
  checkOptionNames(options, S3_STORE_OPTIONS);
  const connection = checkS3Connection(options);
  const { name = `s3://${options.bucket}`, maxConcurrency = MAX_CONCURRENCY_DEFAULT, minConcurrency = 1 } = options;
  const { isData = () => true, classOf } = options;
  checkIntegerBetween(maxConcurrency, 'maxConcurrency', 1, MAX_CONCURRENCY_MAX);
  checkIntegerBetween(minConcurrency, 'minConcurrency', 1, maxConcurrency);
  checkFunction(isData, 'isData');
  if (classOf !== undefined) checkFunction(classOf, 'classOf');
  return { ...connection, name, maxConcurrency, minConcurrency, isData, classOf };
}

/** Without the options of what builds upon a connection. */
function connectionOf(options: S3ConnectionOptions): S3ConnectionOptions {
  const entries = Object.entries(options).filter(([name]) => Object.hasOwn(S3_CONNECTION_OPTIONS, name));
  return Object.fromEntries(entries) as unknown as S3ConnectionOptions;
}

function checkClient(client: unknown, options: S3ConnectionOptions): void {
  if (typeof client !== 'object' || client === null || !('send' in client) || typeof client.send !== 'function') {
    throw new BlockError('INVALID_ARGUMENT', 'client must be an S3Client of @aws-sdk/client-s3');
  }
  for (const name of CLIENT_PARTS) {
    if (options[name] !== undefined) {
      throw new BlockError('INVALID_ARGUMENT', `give either a client or ${name}: the client has its own`);
    }
  }
}
