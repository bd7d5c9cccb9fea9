import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { connectS3, createVolume } from '@blockyard/backend-s3';
import { type BlockErrorCode, isBlockError } from '@blockyard/block';
import type { Life, SimulationSubject, World } from '@blockyard/conformance/simulator';
import { SimulatedStore, type StoreRequest, type StoreResponse } from './simulated-store.js';

const AT = { bucket: 'bucket', prefix: 'volume' };
/** Nothing simulated takes longer. */
const REQUEST_TIMEOUT_MS = 400_000;
const OBJECT_SECTORS = [1, 4, 8, 16] as const;

/** The S3 backend, SDK and all, over a store and a network of the simulation's. */
export const s3Subject: SimulationSubject = {
  name: 's3',
  async create(world: World) {
    const store = new SimulatedStore(world);
    const { sectorSize, sizeSectors } = world.shape;
    const maxAttempts = world.random.pick([1, 1, 3]);
    const maxOutageMs = world.random.pick([0, 1000, 30_000]);
    const maxConcurrency = world.random.pick([1, 2, 16]);
    await createVolume({
      ...AT,
      client: clientOf(async (request) => store.handle(request)),
      sectorSize,
      sizeSectors,
      objectSizeBytes: world.random.pick(OBJECT_SECTORS) * sectorSize,
    });
    return {
      macrotasksToRest: MACROTASKS_TO_REST,
      open(life: Life) {
        // What a process before left on its way has arrived by now, or never will.
        store.settle();
        const dead = life.over.then((): never => {
          // So that the timers of the dead do not keep the living waiting.
          throw new Error('the simulated process is over');
        });
        dead.catch(() => {});
        const client = clientOf((request) => Promise.race([store.send(life, request), dead]));
        const random = () => world.random.below(2 ** 32) / 2 ** 32;
        const time = { clock: life.clock, random, requestTimeoutMs: REQUEST_TIMEOUT_MS };
        return connectS3({ ...AT, ...time, client, maxConcurrency, maxAttempts, maxOutageMs });
      },
      crash: () => {},
      // The SDK makes errors of its own of what the network did.
      mayFail: (error) =>
        isBlockError(error) &&
        ((world.injected > 0 && CODES.includes(error.code)) || (store.flipped > 0 && error.code === 'CORRUPT')),
      // The answer was lost, and so was the look at what is there now.
      mayComeLate: (error) => isBlockError(error) && CODES.includes(error.code),
    };
  },
};

/** What a lost connection comes out as. */
const CODES: readonly BlockErrorCode[] = ['UNAVAILABLE'];

/** Of the event loop, until the SDK has nothing more to do by itself. */
const MACROTASKS_TO_REST = 4;

function clientOf(send: (request: StoreRequest) => Promise<StoreResponse>): S3Client {
  const handle = async (request: StoreRequest, { abortSignal }: { abortSignal?: AbortSignal } = {}) => {
    const aborted = new Promise<never>((_, reject) => {
      abortSignal?.addEventListener('abort', () => reject(Object.assign(new Error('aborted'), { name: 'AbortError' })));
    });
    return { response: await Promise.race([send(request), aborted]) };
  };
  return new S3Client({
    endpoint: 'http://store.invalid',
    region: 'us-east-1',
    credentials: { accessKeyId: 'simulated', secretAccessKey: 'simulated' },
    forcePathStyle: true,
    // The SDK's own way of trying again sleeps in real time; the backend's does not.
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { handle } as unknown as NonNullable<S3ClientConfig['requestHandler']>,
  });
}
