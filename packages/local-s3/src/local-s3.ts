import type { Readable } from 'node:stream';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { Miniflare } from 'miniflare';

/** Where the store answers below its origin. */
const S3_PATH = '/cdn-cgi/local/r2/s3';

/** The store does not look at the region, but a signature must name one. */
const REGION = 'auto';

/** A worker has to exist for the store to start; no one talks to it. */
const IDLE_WORKER = 'export default { fetch: () => new Response(null, { status: 404 }) }';

export interface LocalS3Options {
  /** Directory that keeps the objects. Left out: they are gone after `stop`. */
  readonly persistDir?: string;
  /** Name of the one bucket, which exists from the start. Default: `volumes`. */
  readonly bucket?: string;
}

/** A running store. The first five fields are what an S3 client needs to be told. */
export interface LocalS3 {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly forcePathStyle: true;
  readonly bucket: string;
  /** A new client set up for this store, `config` on top. `stop` destroys it. */
  client(config?: S3ClientConfig): S3Client;
  /** Ends the store and its clients; afterwards nothing keeps the process alive. Can be called again. */
  stop(): Promise<void>;
}

/**
 * Starts an S3-compatible store on a free port of the loopback interface, in a process of its own that ends with this one.
 *
 * It is miniflare's local R2: it checks signatures, keeps objects and metadata, and honours `If-Match` and `If-None-Match` of
 * PUT. What it does not do like a big store is told in the README.
 */
export async function startLocalS3(options: LocalS3Options = {}): Promise<LocalS3> {
  const bucket = options.bucket ?? 'volumes';
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' };
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    cf: false,
    compatibilityDate: '2026-01-01',
    modules: true,
    script: IDLE_WORKER,
    r2Buckets: { BUCKET: { id: bucket, s3Credentials: credentials } },
    ...(options.persistDir === undefined ? {} : { r2Persist: options.persistDir }),
    // What the store's process prints is of no use in a test.
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      stdout.resume();
      stderr.resume();
    },
  });
  const clients: S3Client[] = [];
  let stopping: Promise<void> | undefined;
  const stop = () => {
    for (const client of clients.splice(0)) client.destroy();
    stopping ??= miniflare.dispose();
    return stopping;
  };
  try {
    const endpoint = new URL(S3_PATH, await miniflare.ready).href;
    const connection = { endpoint, region: REGION, credentials, forcePathStyle: true } as const;
    const client = (config: S3ClientConfig = {}) => {
      const made = new S3Client({ ...connection, ...CLIENT_CONFIG, ...config });
      clients.push(made);
      return made;
    };
    return { ...connection, bucket, client, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What local R2 needs: no "100 Continue" and no checksums in trailers. */
const CLIENT_CONFIG = {
  expectContinueHeader: false,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const satisfies S3ClientConfig;
