import { setTimeout as sleep } from 'node:timers/promises';
import { json, RequestError, type Route } from '@blockyard/http-api';
import { NBD_REQUESTS_CHANNEL } from '@blockyard/nbd';
import { recordRequests, type Told, type Top } from '../explain/recorder.js';
import { type Explained, Slowest } from '../explain/slowest.js';
import { hasCache } from './actions.js';
import { oneOf } from './http/one-of.js';
import type { Volume } from './volumes/volume.js';

export const EXPLAIN_PATH = '/v1/explain';
export const EXPLAIN_SECONDS_MIN = 0.1;
export const EXPLAIN_SECONDS_MAX = 600;
const SECONDS_DEFAULT = 10;

/** Each takes some microseconds of every request. */
const AT_ONCE_MAX = 4;
/** So many are told. */
const TOLD_MAX = 32;

/** Requests of clients in so many seconds, and what the slowest of them spent their time in. */
export interface Explanation {
  readonly export: string;
  readonly seconds: number;
  /** All that ended in that time, but for those that were answered from what the cache lends. */
  readonly requests: number;
  /** The slowest first. */
  readonly explained: readonly Explained[];
}

export interface ExplainerOptions {
  readonly volumes: () => readonly Volume[];
}

/** Explains requests while someone asks for it; nothing of them is looked at otherwise. */
export class Explainer {
  readonly #volumes: () => readonly Volume[];
  readonly #over = new AbortController();
  #present = 0;

  constructor({ volumes }: ExplainerOptions) {
    this.#volumes = volumes;
  }

  readonly route: Route = {
    method: 'GET',
    path: EXPLAIN_PATH,
    answer: async ({ query, gone }) => {
      const volume = oneOf(this.#volumes(), { export: query.get('export') ?? undefined });
      return json(await this.#explain(volume, secondsOf(query.get('seconds')), gone));
    },
  };

  /** All who wait have an answer now. */
  end(): void {
    this.#over.abort();
  }

  async #explain(volume: Volume, seconds: number, gone: AbortSignal): Promise<Explanation> {
    if (this.#present === AT_ONCE_MAX)
      throw new RequestError(
        'CONFLICT',
        `${AT_ONCE_MAX} ask for that already`,
        'try again when they have their answer',
      );
    const slowest = new Slowest();
    let requests = 0;
    const end = recordRequests({
      requestsChannel: NBD_REQUESTS_CHANNEL,
      topOf: topOf(volume),
      onEnd: (request) => {
        requests++;
        slowest.add(request);
      },
      nowMs: () => performance.now(),
    });
    this.#present++;
    const startedMs = performance.now();
    try {
      const signal = AbortSignal.any([gone, this.#over.signal]);
      await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
    } finally {
      end();
      this.#present--;
    }
    const took = (performance.now() - startedMs) / 1000;
    return { export: volume.name, seconds: took, requests, explained: slowest.list().slice(0, TOLD_MAX) };
  }
}

/** Which requests are those of the volume's clients. */
function topOf(volume: Volume): (told: Told) => Top | undefined {
  return (told) => {
    if (!('exportName' in told) || told.exportName !== volume.name) return undefined;
    return { volume: volume.name, hasBase: hasCache(volume.device) };
  };
}

function secondsOf(text: string | null): number {
  const seconds = text === null ? SECONDS_DEFAULT : Number(text);
  if (seconds >= EXPLAIN_SECONDS_MIN && seconds <= EXPLAIN_SECONDS_MAX) return seconds;
  const range = `${EXPLAIN_SECONDS_MIN} to ${EXPLAIN_SECONDS_MAX}`;
  throw new RequestError('BAD_REQUEST', `seconds must be a number from ${range}`);
}
