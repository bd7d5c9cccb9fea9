import type { ConnectS3Options, StoreOptions } from '@blockyard/backend-s3';
import { BlockError } from '@blockyard/block';
import { type DeviceUri, decode } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import { parseOutage } from '../syntax/outage.js';
import { refuseLocal } from '../tier/missing.js';
import { TIER_PARAMETERS } from '../tier/settings.js';
import { checkOpened, findChecked } from './find-checked.js';
import { findLayout, noPast } from './find-layout.js';
import { type Layout, layoutIn } from './layout.js';
import { LOG_PARAMETERS, loadLog, logParametersOf, makeLog, openLog, refuseLogParameters } from './log.js';
import type { OpenOptions, Scheme, UriDevice } from './scheme.js';
import { readSecret } from './secret.js';
import { sectorSizeOf } from './sectors.js';

const CHUNKS_ALONE = ['accept-missing', 'chunk'];

export const s3: Scheme = {
  example: 's3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=us-east-1',
  durability: { write: 'memory', flush: 'store' },
  parameters: [
    'endpoint',
    'region',
    'path-style',
    'sign-bodies',
    'unsafe-store',
    'outage',
    'timeout',
    'attempts',
    'concurrency',
    'min-concurrency',
    ...CHUNKS_ALONE,
    ...LOG_PARAMETERS,
    ...TIER_PARAMETERS,
  ],

  async open(uri, options) {
    const wanted = layoutIn(uri);
    const logParameters = await logParametersOf(uri);
    const chunksParameters = chunksParametersOf(uri);
    const { store, prefix, connection, allowUnsafeStore } = await openStore(uri, options.maxOutageMs);
    const { layout } = await findChecked(store, prefix, chunksParameters, options, (shape) =>
      checkParameters(uri, shape.layout, wanted, store.urlOf(prefix)),
    );
    if (layout === 'log') {
      const maxConcurrency = uri.count('concurrency');
      const concurrency = maxConcurrency === undefined ? {} : { maxConcurrency };
      const device = await openLog(store, prefix, logParameters, options, { ...allowUnsafeStore, ...concurrency });
      return Object.assign(device, { storeSnapshot: () => store.snapshot() });
    }
    store.close();
    return openChunks({ ...connection, ...allowUnsafeStore, prefix }, chunksParameters, options);
  },

  async make(uri, options) {
    if (options.reserve) throw new BlockError('UNSUPPORTED', 'a store reserves no space');
    if (options.layout === 'log') {
      const { store, prefix, allowUnsafeStore } = await openStore(uri, undefined);
      try {
        return await makeLog(store, prefix, options, allowUnsafeStore);
      } finally {
        store.close();
      }
    }
    const { sizeBytes, sectorSize, chunkBytes } = options;
    const { createVolume } = await import('@blockyard/backend-s3');
    await createVolume({
      ...connectionOf(uri, undefined),
      ...unsafeOf(uri),
      ...namesOf(uri),
      sizeBytes,
      ...(sectorSize === undefined ? {} : { sectorSize }),
      ...(chunkBytes === undefined ? {} : { objectSizeBytes: chunkBytes }),
    });
  },

  volumes: {
    layouts: ['chunks', 'log'],
    async openStore(uri, { isListing = false } = {}) {
      const secret = await readSecret(uri);
      const { store, prefix, connection, allowUnsafeStore } = await openStore(uri, undefined, isListing);
      const deleteChunks = async ({ takeOver }: { readonly takeOver: boolean }) => {
        const { deleteVolume } = await import('@blockyard/backend-s3');
        await deleteVolume({ ...connection, ...allowUnsafeStore, prefix, takeOver });
      };
      const { bucket, endpoint } = connection;
      const storeId = `${endpoint === undefined ? 'AWS' : new URL(endpoint).href} ${bucket}`;
      return { store, prefix, storeId, secret, deleteChunks };
    },
    async load(uri, { maxOutageMs, tier }) {
      const parameters = await logParametersOf(uri);
      const { store, prefix, allowUnsafeStore } = await openStore(uri, maxOutageMs);
      const layout = await findLayout(store, prefix).catch((error: unknown) => {
        store.close();
        throw error;
      });
      if (layout === 'log') return loadLog(store, prefix, parameters, tier, allowUnsafeStore);
      store.close();
      return undefined;
    },
  },
};

interface ChunksParameters
  extends Pick<ConnectS3Options, 'maxConcurrency' | 'minConcurrency' | 'acceptMissingObjects'> {
  readonly sectorSize: number | undefined;
  readonly chunkBytes: number | undefined;
}

function chunksParametersOf(uri: DeviceUri): ChunksParameters {
  const acceptMissingObjects = uri.flag('accept-missing');
  return {
    ...optional('maxConcurrency', uri.count('concurrency')),
    ...optional('minConcurrency', uri.count('min-concurrency')),
    ...optional('acceptMissingObjects', acceptMissingObjects),
    sectorSize: sectorSizeOf(uri),
    chunkBytes: uri.size('chunk'),
  };
}

async function openChunks(
  store: StoreOptions,
  { sectorSize, chunkBytes, ...parameters }: ChunksParameters,
  { readOnly, takeOver, tier }: OpenOptions,
): Promise<UriDevice> {
  refuseLocal(tier, 'a volume of chunks');
  const { connectS3 } = await import('@blockyard/backend-s3');
  const device = await connectS3({ ...store, ...parameters, readOnly, takeOver });
  await checkOpened(device, { sectorSize, chunkBytes });
  return Object.assign(device, {
    layout: 'chunks' as const,
    // A write is answered when its chunks are there.
    durability: { write: 'store', flush: 'store' } as const,
    storeTraffic: () => device.snapshot().traffic,
    storeSnapshot: () => device.snapshot(),
  });
}

/** Refuses what the URI says of another layout than the volume has. */
function checkParameters(uri: DeviceUri, layout: Layout, wanted: Layout | undefined, where: string): void {
  if (wanted !== undefined && wanted !== layout) {
    throw invalid(`${where} was created with ?layout=${layout}, not ${wanted}`);
  }
  if (layout === 'log') {
    const name = CHUNKS_ALONE.find((each) => uri.parameter(each) !== undefined);
    if (name !== undefined) throw invalid(`?${name}= is for a volume of chunks, and ${where} is a log`);
    return;
  }
  refuseLogParameters(uri, where);
  if (uri.moment !== undefined) throw noPast(where);
}

/** Opens the bucket, without a request. */
async function openStore(uri: DeviceUri, maxOutageMs: number | undefined, isListing = false) {
  const { bucket, prefix } = namesOf(uri, isListing);
  const connection = { ...connectionOf(uri, maxOutageMs), bucket };
  const allowUnsafeStore = unsafeOf(uri);
  const maxConcurrency = uri.count('concurrency');
  const [{ openS3Store }, { classOfLogKey }] = await Promise.all([
    import('@blockyard/object-store-s3'),
    import('@blockyard/backend-log'),
  ]);
  const store = openS3Store({
    ...connection,
    ...optional('maxConcurrency', maxConcurrency),
    ...optional('minConcurrency', uri.count('min-concurrency')),
    classOf: classOfLogKey,
    isData: (key) => !key.endsWith('/volume.json'),
    ...(prefix === '' ? {} : { name: `s3://${bucket}/${prefix}` }),
  });
  return { store, prefix, connection, allowUnsafeStore };
}

/** `s3://bucket/prefix`; where volumes are listed also `s3://bucket`, and then the prefix is empty. */
function namesOf(uri: DeviceUri, isListing = false): { readonly bucket: string; readonly prefix: string } {
  const [, bucket, prefix = ''] = /^\/\/([^/]+)(?:\/+(.*?))?\/*$/s.exec(uri.place) ?? [];
  if (bucket === undefined || (prefix === '' && !isListing)) {
    throw invalid('an s3: URI names a volume: s3://bucket/prefix');
  }
  if (bucket.includes('@')) throw invalid('credentials do not belong into a URI; the environment has a place for them');
  return { bucket: decode(bucket), prefix: decode(prefix) };
}

/** Credentials come from where the SDK finds them; a URI ends up in histories, process lists and logs. */
function connectionOf(uri: DeviceUri, maxOutageMsDefault: number | undefined) {
  const endpoint = uri.parameter('endpoint');
  if (endpoint !== undefined) checkEndpoint(endpoint);
  const outage = uri.parameter('outage');
  return {
    ...optional('endpoint', endpoint),
    ...optional('region', uri.parameter('region')),
    ...optional('forcePathStyle', uri.flag('path-style')),
    ...optional('signBodies', uri.flag('sign-bodies')),
    ...optional('maxOutageMs', outage === undefined ? maxOutageMsDefault : parseOutage(outage, '?outage=')),
    ...optional('requestTimeoutMs', uri.duration('timeout')),
    ...optional('maxAttempts', uri.count('attempts')),
  };
}

function unsafeOf(uri: DeviceUri): { readonly allowUnsafeStore?: boolean } {
  return optional('allowUnsafeStore', uri.flag('unsafe-store'));
}

/** An option that is left out where it is undefined. */
function optional<const Name extends string, T>(name: Name, value: T | undefined): { readonly [N in Name]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: T };
}

function checkEndpoint(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw invalid('?endpoint= must be a URL that begins with http:// or https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid('credentials do not belong into ?endpoint=; the environment has a place for them');
  }
}
