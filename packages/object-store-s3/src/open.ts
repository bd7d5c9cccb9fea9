import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { TrafficCounter } from '@blockyard/object-store';
import { publish } from './events.js';
import { Credentials, providerOf } from './link/credentials.js';
import { Limiter } from './link/limiter.js';
import { Link } from './link/link.js';
import { Outage } from './link/outage.js';
import { toBlockError } from './link/store-error.js';
import { Transport } from './link/transport.js';
import { checkS3StoreOptions, type S3StoreOptions, type S3StoreSettings } from './options.js';
import { S3ObjectStore } from './store.js';

/** With an endpoint of one's own the region is a formality, but it is part of the signature. */
const REGION_WITH_ENDPOINT = 'us-east-1';

/** Connections beyond those for data: deletes, looks at small objects. */
const SPARE_SOCKETS = 8;

/** Answers that take more than this part of the longest silence show that too much is on the line. */
const SLOW_PART = 1 / 4;

/** Opens a bucket as a store of objects, without a request. Throws `INVALID_ARGUMENT`. `close` it in the end. */
export function openS3Store(options: S3StoreOptions): S3ObjectStore {
  const settings = checkS3StoreOptions(options);
  const { bucket, client, name, isData, clock, random, requestTimeoutMs, maxConcurrency, minConcurrency } = settings;
  const { signBodies } = settings;
  const connections = { clock, maxSockets: maxConcurrency + SPARE_SOCKETS, requestTimeoutMs };
  const used = client ?? makeClient(settings, new Transport(connections));
  const traffic = new TrafficCounter(settings.classOf);
  const link = new Link(settings, {
    traffic,
    outage: new Outage({
      clock,
      random,
      onAway: (forMs, error) => publish(() => ({ type: 'away', store: name, forMs, error: toBlockError(error, name) })),
      onBack: (forMs) => publish(() => ({ type: 'back', store: name, forMs })),
    }),
    limiter: new Limiter({ clock, min: minConcurrency, max: maxConcurrency, slowMs: requestTimeoutMs * SLOW_PART }),
    credentials: new Credentials(used, {
      clock,
      onLook: (changed) => publish(() => ({ type: 'credentials', store: name, changed })),
    }),
  });
  // What a caller's own client does to requests on their way is not known: they all go through it.
  const direct = client === undefined ? { ...connections, signBodies } : undefined;
  return new S3ObjectStore(used, link, { bucket, isData, direct, traffic });
}

function makeClient(settings: S3StoreSettings, requestHandler: Transport): S3Client {
  const { endpoint, region, credentials, forcePathStyle } = settings;
  const config: S3ClientConfig = {
    // The link tries again by itself: the SDK would stop after a few, and share one small allowance among all requests.
    maxAttempts: 1,
    // Checksums in trailers and a round trip to ask before each body are not for every store; what is sent is signed with its
    // hash, or protected by TLS.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler,
    credentials: providerOf(credentials),
  };
  if (endpoint !== undefined) {
    Object.assign(config, { endpoint, region: REGION_WITH_ENDPOINT, forcePathStyle: true });
  }
  if (region !== undefined) config.region = region;
  if (forcePathStyle !== undefined) config.forcePathStyle = forcePathStyle;
  return new S3Client(config);
}
