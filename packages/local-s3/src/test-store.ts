import { randomUUID } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import { type FaultProxy, startFaultProxy } from './fault-proxy.js';
import { type LocalS3, startLocalS3 } from './local-s3.js';
import { answerHonestly, type StoredObject } from './memory-s3.js';
import { serveRequests } from './serve-requests.js';

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

/** Whether DeleteObjects of a test store honours ETags: believed unless it is said not to. */
export const CONDITIONAL_DELETES = process.env.S3_CONDITIONAL_DELETES !== 'false';

type Connection = Pick<LocalS3, 'bucket' | 'endpoint' | 'region' | 'credentials'> & {
  readonly forcePathStyle: boolean;
};

/**
 * The server that `S3_ENDPOINT` and its like speak of. Where they are not set, one of the test's own: in this process, with its
 * objects in memory, or `'local'`, {@link startLocalS3}, which checks what it is sent and takes ten times as long.
 */
export async function startTestStore(kind: 'memory' | 'local' = 'memory'): Promise<TestStore> {
  const env = process.env;
  const start = kind === 'local' ? startLocalS3 : startMemoryS3;
  const local = env.S3_ENDPOINT === undefined ? await start() : undefined;
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

async function startMemoryS3(): Promise<Connection & Pick<LocalS3, 'stop'>> {
  const objects = new Map<string, StoredObject>();
  const served = await serveRequests((request) => answerHonestly(objects, request, new Date()));
  const credentials = { accessKeyId: 'memory', secretAccessKey: 'memory-secret' };
  return { ...served, region: 'auto', credentials, forcePathStyle: true, bucket: 'volumes' };
}

/** A proxy in front of the store; volumes made with its `volume()` go through it. */
export async function startFaults(store: TestStore): Promise<FaultProxy & { volume: TestStore['volume'] }> {
  const proxy = await startFaultProxy(store.endpoint);
  return Object.assign(proxy, { volume: () => ({ ...store.volume(), endpoint: proxy.endpoint }) });
}
