import { BlockError } from '@blockyard/block';
import { type DeviceUri, decode, invalid } from '../syntax/device-uri.js';
import { parseDuration, parseOutage } from '../syntax/outage.js';
import type { Scheme } from './scheme.js';
import { checkStored, sectorSizeOf } from './sectors.js';

export const s3: Scheme = {
  example: 's3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=us-east-1',
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
    'accept-missing',
    'sector',
    'chunk',
  ],

  async open(uri, { readOnly, takeOver, maxOutageMs }) {
    const store = { ...storeOf(uri), ...linkOf(uri, maxOutageMs) };
    const concurrency = uri.count('concurrency');
    const minConcurrency = uri.count('min-concurrency');
    const acceptMissingObjects = uri.flag('accept-missing');
    const sectorSize = sectorSizeOf(uri);
    const chunkBytes = uri.size('chunk');
    const { connectS3 } = await import('@blockyard/backend-s3');
    const device = await connectS3({
      ...store,
      readOnly,
      takeOver,
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(minConcurrency === undefined ? {} : { minConcurrency }),
      ...(acceptMissingObjects === undefined ? {} : { acceptMissingObjects }),
    });
    await checkStored(device, 'sector', device.info.sectorSize, sectorSize);
    await checkStored(device, 'chunk', device.info.preferredIoBytes, chunkBytes);
    return device;
  },

  async make(uri, { sizeBytes, sectorSize, chunkBytes, reserve }) {
    if (reserve) throw new BlockError('UNSUPPORTED', 'a store reserves no space');
    const store = { ...storeOf(uri), ...linkOf(uri, undefined) };
    const { createVolume } = await import('@blockyard/backend-s3');
    await createVolume({
      ...store,
      sizeBytes,
      ...(sectorSize === undefined ? {} : { sectorSize }),
      ...(chunkBytes === undefined ? {} : { objectSizeBytes: chunkBytes }),
    });
  },
};

/** Credentials come from where the SDK finds them; a URI ends up in histories, process lists and logs. */
function storeOf(uri: DeviceUri) {
  const [, bucket, prefix] = /^\/\/([^/]+)\/+(.+?)\/*$/s.exec(uri.rest) ?? [];
  if (bucket === undefined || prefix === undefined) throw invalid('an s3: URI names a volume: s3://bucket/prefix');
  if (bucket.includes('@')) throw invalid('credentials do not belong into a URI; the environment has a place for them');
  const endpoint = uri.parameter('endpoint');
  if (endpoint !== undefined) checkEndpoint(endpoint);
  const region = uri.parameter('region');
  const forcePathStyle = uri.flag('path-style');
  const signBodies = uri.flag('sign-bodies');
  const allowUnsafeStore = uri.flag('unsafe-store');
  return {
    bucket: decode(bucket),
    prefix: decode(prefix),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(forcePathStyle === undefined ? {} : { forcePathStyle }),
    ...(signBodies === undefined ? {} : { signBodies }),
    ...(allowUnsafeStore === undefined ? {} : { allowUnsafeStore }),
  };
}

/** How patient to be with the store. */
function linkOf(uri: DeviceUri, maxOutageMsDefault: number | undefined) {
  const [outage, timeout] = [uri.parameter('outage'), uri.parameter('timeout')];
  const maxOutageMs = outage === undefined ? maxOutageMsDefault : parseOutage(outage, '?outage=');
  const maxAttempts = uri.count('attempts');
  return {
    ...(maxOutageMs === undefined ? {} : { maxOutageMs }),
    ...(timeout === undefined ? {} : { requestTimeoutMs: parseDuration(timeout, '?timeout=') }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
  };
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
