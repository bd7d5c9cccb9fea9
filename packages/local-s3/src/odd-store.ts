import { answerHonestly, type StoredObject } from './memory-s3.js';
import { serveRequests } from './serve-requests.js';
import type { StoreAnswer, StoreRequest } from './store-request.js';

/** Answers a request. `honest` carries it out, or one changed beforehand, and gives the answer of a store as it should be. */
export type AnswerRule = (
  request: StoreRequest,
  honest: (request?: StoreRequest) => StoreAnswer,
) => StoreAnswer | 'reset' | Promise<StoreAnswer | 'reset'>;

export interface OddStoreOptions {
  /** When what is stored now is stored. Left out: in 1970. */
  readonly now?: () => Date;
}

/** A store whose answers are bent as a test likes. */
export interface OddStore {
  readonly endpoint: string;
  /** By key; of whichever bucket is asked for. */
  readonly objects: Map<string, StoredObject>;
  /** Every request so far, in order of arrival. A test may empty it. */
  readonly requests: StoreRequest[];
  /** Replace it as the test goes on. */
  answer: AnswerRule;
  stop(): Promise<void>;
}

/**
 * Starts a small S3 store in this process that answers oddly where it is told to: {@link startMemoryS3}, with rules.
 */
export async function startOddStore({ now }: OddStoreOptions = {}): Promise<OddStore> {
  const objects: OddStore['objects'] = new Map();
  const requests: StoreRequest[] = [];
  const served = await serveRequests((request) => {
    requests.push(request);
    return store.answer(request, (changed = request) => answerHonestly(objects, changed, now?.()));
  });
  const store: OddStore = { ...served, objects, requests, answer: (_, honest) => honest() };
  return store;
}
