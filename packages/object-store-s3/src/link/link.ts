import { setMaxListeners } from 'node:events';
import { BlockError, type Clock } from '@blockyard/block';
import { backoffMs, sleep } from '@blockyard/block/async';
import { copyOfTraffic, type RequestKind, type TrafficCounter } from '@blockyard/object-store';
import { Abort } from './abort.js';
import { AttemptsMade } from './attempts-made.js';
import type { Credentials } from './credentials.js';
import type { Experience, Limiter } from './limiter.js';
import type { Outage, Pass } from './outage.js';
import type { S3StoreSnapshot } from './snapshot.js';
import { failureOf, toBlockError } from './store-error.js';
import { isTraced, RequestTrace, traced } from './traced.js';
import type { SendOptions } from './transport.js';
import { Sending, UnderWay } from './under-way.js';
import { judge, type Verdict } from './verdict.js';
import { TimedOut, Watch } from './watch.js';

/** Times that a request is sent again because its answer made no sense, and because of a clock that was set right. */
const REPEATS_MAX = 3;

/** What is to be done, apart from the doing. */
export interface Wish {
  readonly kind: RequestKind;
  /** The object, the first of several, or what the keys begin with that are listed. */
  readonly key: string;
  /** For messages. */
  readonly what: string;
  readonly uploadBytes?: number;
  readonly downloadBytes?: number;
  /** What counts as an answer too: it is thrown as it came. */
  readonly isAnswer?: (error: unknown) => boolean;
  /** Data wait for the limiter; whatever else a volume needs is little, and goes at once. */
  readonly isData?: boolean;
  /** One try, now. */
  readonly once?: boolean;
}

export interface LinkOptions {
  /** What messages call the store. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly requestTimeoutMs: number;
  readonly maxOutageMs: number;
  readonly maxAttempts: number;
}

/** The parts that all requests to a store share. */
export interface LinkParts {
  readonly traffic: TrafficCounter;
  readonly outage: Outage;
  readonly limiter: Limiter;
  readonly credentials: Credentials;
}

/** How one request has fared so far. */
interface Course {
  tries: number;
  /** When the first try failed, or the waiting began. */
  sinceMs: number | undefined;
  repeats: number;
  looks: number;
  /** Where someone wants to know. */
  readonly trace: RequestTrace | undefined;
}

/**
 * Carries out requests so that each one ends: with its answer, when it has failed for `maxOutageMs`, or when everything is
 * aborted. What is transient is tried again, later and later; what is permanent fails at once.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #parts: LinkParts;
  readonly #closing = new AbortController();
  readonly #attempts = new AttemptsMade();
  readonly #underWay = new UnderWay();

  constructor(options: LinkOptions, parts: LinkParts) {
    this.#options = options;
    this.#parts = parts;
    // One for each request that waits.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Throws a BlockError, except for what `isAnswer` says is an answer. */
  run<T>(wish: Wish, send: (options: SendOptions) => Promise<T>): Promise<T> {
    if (!isTraced()) return this.#run(wish, send, undefined);
    const { clock, name: store } = this.#options;
    const { kind, key, uploadBytes = 0, downloadBytes = 0 } = wish;
    const trace = new RequestTrace(clock, { store, kind, key, uploadBytes, downloadBytes });
    return traced(
      trace,
      () => this.#run(wish, send, trace),
      (error) => isAnswer(wish, error),
    );
  }

  async #run<T>(wish: Wish, send: (options: SendOptions) => Promise<T>, trace: RequestTrace | undefined): Promise<T> {
    const course: Course = { tries: 0, sinceMs: undefined, repeats: 0, looks: 0, trace };
    for (;;) {
      this.#checkOpen(wish);
      const pass = this.#mustWait(wish) ? await this.#admit(wish, course) : 'free';
      const { generation } = this.#parts.credentials;
      try {
        return await this.#try(wish, pass, course, send);
      } catch (error) {
        this.#checkOpen(wish, error);
        if (isAnswer(wish, error)) throw error;
        course.tries++;
        if (!(await this.#helped(wish, course, error, generation))) throw toBlockError(error, wish.what, course.tries);
      }
    }
  }

  snapshot(): S3StoreSnapshot {
    const { traffic, outage, limiter } = this.#parts;
    const { times } = outage;
    return {
      traffic: copyOfTraffic(traffic),
      attempts: this.#attempts.snapshot(),
      requestsInFlight: this.#underWay.size,
      requestsHeldBack: outage.waiting,
      concurrency: limiter.limit,
      availability: {
        isAway: times !== undefined,
        awayMs: times?.awayMs,
        nextTryMs: times?.nextTryMs,
        error: times && toBlockError(outage.error, this.#options.name),
      },
    };
  }

  /** Aborts what is in flight, ends all waiting, and refuses what comes later. */
  close(): void {
    this.#closing.abort();
    this.#underWay.giveUpAll(this.#closing.signal.reason);
    this.#parts.outage.close();
  }

  /** Whether the request may not go at once, since the store is away. */
  #mustWait(wish: Wish): boolean {
    return this.#parts.outage.isAway && this.#isPatient(wish);
  }

  /** When the request may go. Throws when it no longer may. */
  async #admit(wish: Wish, course: Course): Promise<Pass> {
    const { outage } = this.#parts;
    const { clock, maxOutageMs } = this.#options;
    course.sinceMs ??= clock.now();
    const pass = await outage.admit(course.sinceMs + maxOutageMs, this.#closing.signal);
    this.#checkOpen(wish);
    if (pass === undefined) throw toBlockError(outage.error, wish.what, course.tries);
    return pass;
  }

  async #try<T>(wish: Wish, pass: Pass, course: Course, send: (options: SendOptions) => Promise<T>): Promise<T> {
    const { limiter, outage } = this.#parts;
    // A trial does not wait for others on a line that may be dead.
    const mayEnter = wish.isData === true && pass === 'free' && limiter.enter(this.#closing.signal);
    const entered = typeof mayEnter === 'boolean' ? mayEnter : await mayEnter;
    const startMs = this.#options.clock.now();
    let experience: Experience = 'nothing';
    try {
      this.#checkOpen(wish);
      const answer = await this.#attempt(wish, course, startMs, send);
      experience = 'answered';
      this.#answered();
      return answer;
    } catch (error) {
      experience = this.#learn(wish, pass, error);
      throw error;
    } finally {
      if (entered) limiter.leave(startMs, experience);
      if (experience === 'nothing') outage.gaveUp(pass);
    }
  }

  /** One attempt. It makes few promises: with many small requests they cost more than all else here. */
  #attempt<T>(wish: Wish, course: Course, startMs: number, send: (options: SendOptions) => Promise<T>): Promise<T> {
    const { clock, requestTimeoutMs } = this.#options;
    const { uploadBytes = 0, downloadBytes = 0 } = wish;
    this.#parts.traffic.sent(wish.kind, wish.key, uploadBytes);
    return new Promise((resolve, reject) => {
      const abort = new Abort();
      let isOver = false;
      const over = (hasFailed: boolean) => {
        if (isOver) return;
        isOver = true;
        course.trace?.attempted(startMs, watch);
        this.#count(wish, course, startMs, hasFailed);
      };
      const giveUp = (error: unknown) => {
        abort.abort();
        over(true);
        // Not every step of the SDK looks at the signal.
        reject(error);
      };
      const watch = new Watch({ clock, silenceMs: requestTimeoutMs, uploadBytes, downloadBytes, onTimeout: giveUp });
      const settled = () => {
        watch.end();
        this.#underWay.remove(sending);
      };
      const sending = new Sending(abort, watch, giveUp);
      this.#underWay.add(sending);
      send(sending).then(
        (answer) => {
          over(false);
          resolve(answer);
          settled();
        },
        (error: unknown) => {
          over(!isAnswer(wish, error));
          reject(error);
          settled();
        },
      );
    });
  }

  /** Counts an attempt that has ended. What was broken off says nothing of the store. */
  #count(wish: Wish, { tries }: Course, startMs: number, hasFailed: boolean): void {
    if (this.#closing.signal.aborted) return;
    const durationMs = this.#options.clock.now() - startMs;
    const className = this.#parts.traffic.classOf(wish.key);
    this.#attempts.ended(className, wish.kind, { hasFailed, isRetry: tries > 0, durationMs });
  }

  /** What a failure says of the store, and of its line. */
  #learn(wish: Wish, pass: Pass, error: unknown): Experience {
    const { outage } = this.#parts;
    if (this.#closing.signal.aborted) return 'nothing';
    const { remedy, isForLoad } = judge(error);
    const { status, retryAfterMs } = failureOf(error);
    if (remedy === 'wait') {
      outage.failed(pass, error, retryAfterMs);
      if (error instanceof TimedOut) return 'timed-out';
      return isForLoad ? 'refused-for-load' : 'failed';
    }
    if (status === undefined && !isAnswer(wish, error)) return 'nothing';
    this.#answered();
    return 'answered';
  }

  #answered(): void {
    const { outage, limiter } = this.#parts;
    if (outage.isAway) limiter.restart();
    outage.answered();
  }

  /** Whether the request may be tried once more; waits until it is time. */
  async #helped(wish: Wish, course: Course, error: unknown, generation: number): Promise<boolean> {
    if (wish.once || course.tries >= this.#options.maxAttempts) return false;
    const verdict = judge(error);
    switch (verdict.remedy) {
      case 'none':
        return false;
      case 'clock':
        return ++course.repeats <= REPEATS_MAX;
      case 'credentials':
      case 'rights':
        return this.#lookForCredentials(course, verdict, generation);
      case 'repeat':
        return ++course.repeats <= REPEATS_MAX && this.#waited(course, error);
      case 'wait':
        return this.#waited(course, error);
    }
  }

  async #lookForCredentials(course: Course, { remedy }: Verdict, generation: number): Promise<boolean> {
    if (++course.looks > REPEATS_MAX) return false;
    return this.#parts.credentials.renewed(generation, remedy === 'credentials', this.#closing.signal);
  }

  async #waited(course: Course, error: unknown): Promise<boolean> {
    const { clock, random, maxOutageMs } = this.#options;
    const nowMs = clock.now();
    course.sinceMs ??= nowMs;
    const leftMs = course.sinceMs + maxOutageMs - nowMs;
    if (leftMs <= 0) return false;
    // While the store is away all wait together, and not here.
    if (this.#parts.outage.isAway) return true;
    const delayMs = backoffMs(course.tries, random, failureOf(error).retryAfterMs);
    await sleep(clock, Math.min(delayMs, leftMs), this.#closing.signal);
    return true;
  }

  #isPatient({ once }: Wish): boolean {
    const { maxOutageMs, maxAttempts } = this.#options;
    return once !== true && maxOutageMs > 0 && maxAttempts > 1;
  }

  #checkOpen({ what }: Wish, cause?: unknown): void {
    if (!this.#closing.signal.aborted) return;
    throw new BlockError('DISCONNECTED', `${what}: the device was disconnected`, { cause });
  }
}

/** What may be helped is no answer yet. */
function isAnswer(wish: Wish, error: unknown): boolean {
  return wish.isAnswer?.(error) === true && judge(error).remedy === 'none';
}
