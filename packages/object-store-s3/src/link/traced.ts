import { tracingChannel } from 'node:diagnostics_channel';
import type { Clock } from '@blockyard/block';
import { STORE_REQUESTS_CHANNEL, type StoreRequest } from '@blockyard/object-store';
import type { Watch } from './watch.js';

const channel = tracingChannel<unknown, StoreRequest>(STORE_REQUESTS_CHANNEL);
const events = [channel.start, channel.end, channel.asyncStart, channel.asyncEnd, channel.error];

/** A request as it is told of, while it is under way. */
export class RequestTrace {
  readonly message: { -readonly [Name in keyof StoreRequest]: StoreRequest[Name] };
  readonly #clock: Clock;
  readonly #startMs: number;
  #sentMs = 0;

  constructor(clock: Clock, facts: Pick<StoreRequest, 'store' | 'kind' | 'key' | 'uploadBytes' | 'downloadBytes'>) {
    this.#clock = clock;
    this.#startMs = clock.now();
    this.message = { ...facts, attempts: 0, waitedMs: 0, firstByteMs: undefined, transferMs: undefined };
  }

  /** An attempt has ended that began at `startMs`. */
  attempted(startMs: number, watch: Watch): void {
    const nowMs = this.#clock.now();
    const firstMs = watch.firstReceivedMs;
    this.#sentMs += nowMs - startMs;
    this.message.attempts++;
    this.message.firstByteMs = firstMs === undefined ? undefined : firstMs - startMs;
    this.message.transferMs = firstMs === undefined ? undefined : nowMs - firstMs;
  }

  ended(): void {
    this.message.waitedMs = Math.max(0, this.#clock.now() - this.#startMs - this.#sentMs);
  }
}

/** Whether someone wants to be told. */
export function isTraced(): boolean {
  return events.some(({ hasSubscribers }) => hasSubscribers);
}

/** Carries a request out, and tells of it. What `isAnswer` says is an answer is thrown, and told as a success. */
export async function traced<T>(
  trace: RequestTrace,
  run: () => Promise<T>,
  isAnswer: (error: unknown) => boolean,
): Promise<T> {
  let answer: { readonly error: unknown } | undefined;
  const value = await channel.tracePromise(async () => {
    try {
      return await run();
    } catch (error) {
      if (!isAnswer(error)) throw error;
      answer = { error };
      return undefined;
    } finally {
      trace.ended();
    }
  }, trace.message);
  if (answer !== undefined) throw answer.error;
  return value as T;
}
