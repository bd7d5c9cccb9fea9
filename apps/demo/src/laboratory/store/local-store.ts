import type { Clock } from '@blockyard/block';
import { errorAnswer, type OddStore, type StoreRequest, startOddStore } from '@blockyard/local-s3';
import type { WireState } from '../server/calls.js';

/** Requests at once. */
const REQUESTS_MAX = 32;

/**
 * What the store holds at most. A log that is written fast has several times its size there until it was cleaned; beyond this
 * its writes wait for that. What is small passes in any case: cleaning needs it.
 */
const STORED_BYTES_MAX = 2 ** 30;
const SMALL_BYTES = 64 * 1024;

const BUCKET = 'volumes';

/** A store of objects that speaks S3, in this process, at the end of a wire that can be slow, or cut. */
export interface LocalStore {
  /** The URI of a volume in it. */
  uriOf(name: string, layout: 'chunks' | 'log'): string;
  /** What a process needs in its environment to use it. */
  readonly env: NodeJS.ProcessEnv;
  setWire(state: WireState): void;
  /** Ends it, with all that is in it. */
  stop(): Promise<void>;
}

export async function startLocalStore(clock: Clock): Promise<LocalStore> {
  const store = await startOddStore({ now: () => new Date() });
  let wire: WireState = { latencyMs: 0, isCut: false };
  store.answer = async (request, honest) => {
    // It remembers every request, for tests.
    store.requests.length = 0;
    if (wire.isCut) return 'reset';
    if (wire.latencyMs > 0) await passed(wire.latencyMs, clock);
    return isFull(store, request) ? errorAnswer(503, 'SlowDown') : honest();
  };
  return {
    uriOf(name, layout) {
      const parameters = new URLSearchParams({
        endpoint: store.endpoint,
        region: 'auto',
        layout,
        concurrency: String(REQUESTS_MAX),
        outage: 'wait',
      });
      return `s3://${BUCKET}/${name}?${parameters}`;
    },
    // It believes every signature.
    env: {
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local-secret',
      AWS_SESSION_TOKEN: undefined,
      AWS_PROFILE: undefined,
    },
    setWire(state) {
      wire = state;
    },
    stop: () => store.stop(),
  };
}

function isFull({ objects }: OddStore, { method, body }: StoreRequest): boolean {
  if (method !== 'PUT' || body.length <= SMALL_BYTES) return false;
  let bytes = body.length;
  for (const stored of objects.values()) bytes += stored.body.length;
  return bytes > STORED_BYTES_MAX;
}

function passed(delayMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.set(resolve, delayMs));
}
