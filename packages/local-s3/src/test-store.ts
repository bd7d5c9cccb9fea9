import { randomUUID } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import { type FaultProxy, startFaultProxy } from './fault-proxy.js';
import { type LocalS3, startLocalS3 } from './local-s3.js';

/** What a test needs to know of a store. */
export interface TestStore {
  /** Where a volume of one's own is, for a client that the backend makes. */
  volume(): Connection & { readonly prefix: string };
  /** A client of the test's own, to look behind the volume's back. */
  readonly client: S3Client;
  readonly bucket: string;
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Whether DeleteObjects honours ETags. The local store does not; of others it is believed unless they are said not to. */
export const CONDITIONAL_DELETES =
  process.env.S3_ENDPOINT !== undefined && process.env.S3_CONDITIONAL_DELETES !== 'false';

type Connection = Pick<LocalS3, 'bucket' | 'endpoint' | 'region' | 'credentials'> & {
  readonly forcePathStyle: boolean;
};

/** The server that `S3_ENDPOINT` and its like speak of, or a local one of the test's own. */
export async function startTestStore(): Promise<TestStore> {
  const env = process.env;
  const local = env.S3_ENDPOINT === undefined ? await startLocalS3() : undefined;
  const connection: Connection = local ?? {
    endpoint: env.S3_ENDPOINT ?? '',
    region: env.S3_REGION ?? 'us-east-1',
    credentials: { accessKeyId: env.S3_ACCESS_KEY_ID ?? '', secretAccessKey: env.S3_SECRET_ACCESS_KEY ?? '' },
    bucket: env.S3_BUCKET ?? '',
    forcePathStyle: env.S3_FORCE_PATH_STYLE !== 'false',
  };
  const { bucket, endpoint, region, credentials, forcePathStyle } = connection;
  const client = new S3Client({
    endpoint,
    region,
    credentials,
    forcePathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return {
    volume: () => ({ bucket, endpoint, region, credentials, forcePathStyle, prefix: `test/${randomUUID()}` }),
    client,
    bucket,
    endpoint,
    stop: async () => {
      client.destroy();
      await local?.stop();
    },
  };
}

/** A proxy in front of the store; volumes made with its `volume()` go through it. */
export async function startFaults(store: TestStore): Promise<FaultProxy & { volume: TestStore['volume'] }> {
  const proxy = await startFaultProxy(store.endpoint);
  return Object.assign(proxy, { volume: () => ({ ...store.volume(), endpoint: proxy.endpoint }) });
}
