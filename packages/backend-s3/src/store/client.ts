import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { Credentials, providerOf } from './credentials.js';
import { publish } from './events.js';
import { keysOf } from '../objects/keys.js';
import { Limiter } from './limiter.js';
import { Link } from './link.js';
import type { StoreSettings } from '../options.js';
import { Outage } from './outage.js';
import { ObjectStore } from './store.js';
import { toBlockError } from './store-error.js';
import { Transport } from './transport.js';

/** With an endpoint of one's own the region is a formality, but it is part of the signature. */
const REGION_WITH_ENDPOINT = 'us-east-1';

/** Connections beyond those for data: deletes, looks at the root. */
const SPARE_SOCKETS = 8;

/** Answers that take more than this part of the longest silence show that too much is on the line. */
const SLOW_PART = 1 / 4;

/** The store that the settings speak of. `close` it in the end. */
export function openStore(
  settings: StoreSettings,
  concurrency: { readonly min: number; readonly max: number },
): ObjectStore {
  const { bucket, prefix, client, clock, random, requestTimeoutMs } = settings;
  const store = `s3://${bucket}/${prefix}`;
  const used = client ?? makeClient(settings, concurrency.max + SPARE_SOCKETS);
  const link = new Link(settings, {
    outage: new Outage({
      clock,
      random,
      onAway: (forMs, error) => publish(() => ({ type: 'away', store, forMs, error: toBlockError(error, store) })),
      onBack: (forMs) => publish(() => ({ type: 'back', store, forMs })),
    }),
    limiter: new Limiter({ clock, ...concurrency, slowMs: requestTimeoutMs * SLOW_PART }),
    credentials: new Credentials(used, {
      clock,
      onLook: (changed) => publish(() => ({ type: 'credentials', store, changed })),
    }),
  });
  return new ObjectStore(used, link, {
    bucket,
    dataPrefix: keysOf(prefix).dataPrefix,
    destroyClient: client === undefined,
  });
}

function makeClient(settings: StoreSettings, maxSockets: number): S3Client {
  const { endpoint, region, credentials, forcePathStyle, clock, requestTimeoutMs } = settings;
  const config: S3ClientConfig = {
    // The link tries again by itself: the SDK would stop after a few, and share one small allowance among all requests.
    maxAttempts: 1,
    // Checksums in trailers and a round trip to ask before each body are not for every store; what is sent is signed with its hash anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler: new Transport({ clock, maxSockets, requestTimeoutMs }),
    credentials: providerOf(credentials),
  };
  if (endpoint !== undefined) {
    Object.assign(config, { endpoint, region: REGION_WITH_ENDPOINT, forcePathStyle: true });
  }
  if (region !== undefined) config.region = region;
  if (forcePathStyle !== undefined) config.forcePathStyle = forcePathStyle;
  return new S3Client(config);
}
