import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { StoreSettings } from './options.js';
import { ObjectStore } from './store.js';

/** With an endpoint of one's own the region is a formality, but it is part of the signature. */
const REGION_WITH_ENDPOINT = 'us-east-1';

const CONNECT_TIMEOUT_MS_MAX = 10_000;

/** Connections beyond those for data: deletes, looks at the root. */
const SPARE_SOCKETS = 8;

/** The store that the settings speak of. `close` it in the end. */
export function openStore(settings: StoreSettings, concurrency: number): ObjectStore {
  const { bucket, client, requestTimeoutMs, maxAttempts } = settings;
  return new ObjectStore(client ?? makeClient(settings, concurrency + SPARE_SOCKETS), {
    bucket,
    deadlineMs: requestTimeoutMs * maxAttempts,
    destroyClient: client === undefined,
  });
}

function makeClient(settings: StoreSettings, maxSockets: number): S3Client {
  const { endpoint, region, credentials, forcePathStyle, requestTimeoutMs, maxAttempts } = settings;
  const config: S3ClientConfig = {
    maxAttempts,
    // Checksums in trailers and a round trip to ask before each body are not for every store; what is sent is signed with its hash anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: Math.min(requestTimeoutMs, CONNECT_TIMEOUT_MS_MAX),
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      // Silence within an answer, which the time-out of the request does not cover.
      socketTimeout: requestTimeoutMs,
      httpAgent: { maxSockets },
      httpsAgent: { maxSockets },
    },
  };
  if (endpoint !== undefined) {
    Object.assign(config, { endpoint, region: REGION_WITH_ENDPOINT, forcePathStyle: true });
  }
  if (region !== undefined) config.region = region;
  if (forcePathStyle !== undefined) config.forcePathStyle = forcePathStyle;
  if (credentials !== undefined) config.credentials = { ...credentials };
  return new S3Client(config);
}
