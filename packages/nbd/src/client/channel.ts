import { setMaxListeners } from 'node:events';
import { BlockError, type Clock } from '@blockyard/block';
import { Command, Errno } from '../wire/protocol.js';
import { Continuity } from './continuity.js';
import { type Dialled, dial, type Target } from './dial.js';
import { answerError } from './errors.js';
import type { Session } from './handshake.js';
import type { Job } from './job.js';
import { Link } from './link.js';
import type { ClientLimits } from './options.js';

export interface ChannelOptions {
  readonly target: Target;
  readonly limits: ClientLimits;
  readonly assumeSameServer: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  /** Throws if a connection made later cannot take the place of the first. */
  readonly checkSame: (session: Session) => void;
}

/** A request fails when its connection was lost so often, see {@link Job.losses}. */
const LOSSES_MAX = 8;
/** Wait before another attempt to connect, in milliseconds: doubles from the one to the other, give or take half. */
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 2000;
/** How long to wait for connections that would only be nice to have, in milliseconds. */
const MORE_CONNECT_MS = 1000;

/**
 * The connections to one export and the jobs that share them. A lost connection's jobs go out again on another one, in their old
 * order, when there is one.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #links: Link[] = [];
  #queue: Job[] = [];
  readonly #continuity: Continuity;
  readonly #abort = new AbortController();
  #wanted = 1;
  #made = 0;
  #recovering = false;
  #ended: BlockError | undefined;
  #onRetry: (() => void) | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#continuity = new Continuity(options.assumeSameServer);
    setMaxListeners(0, this.#abort.signal);
  }

  /** Makes the first connection. */
  async connect(): Promise<Session> {
    const dialled = await this.#dial();
    this.#add(dialled);
    return dialled.session;
  }

  /**
   * Makes more connections, as many as the server lets in. To be called before anything is written: of a server that does not say
   * who it is, no one could tell later whether it is still the same.
   */
  async connectMore(): Promise<void> {
    const { target, limits } = this.#options;
    const eager = { ...target, connectTimeoutMs: Math.min(target.connectTimeoutMs, MORE_CONNECT_MS) };
    const dials = Array.from({ length: limits.connections - 1 }, async () => {
      this.#accept(await dial(eager, this.#abort.signal));
    });
    // A server may say that it takes several, and have no room for them.
    await Promise.allSettled(dials);
    this.#wanted = this.#links.length;
  }

  /** Sends a job as soon as there is room. Settles with its answer. */
  async run(job: Job): Promise<Job> {
    this.#continuity.asked(job);
    this.#queue.push(job);
    this.#serve();
    await job.settled;
    return job;
  }

  /** Says goodbye. Nothing may be in flight. */
  async close(): Promise<void> {
    this.#end(new BlockError('DISCONNECTED', 'the device was disconnected'));
    await Promise.all(this.#links.map((link) => link.close()));
  }

  /** Ends everything at once; what is in flight fails. */
  destroy(): void {
    const error = new BlockError('DISCONNECTED', 'the device was disconnected by force');
    this.#end(error);
    for (const link of [...this.#links]) link.abandon(error);
    this.#failQueue(error);
  }

  #end(error: BlockError): void {
    this.#ended ??= error;
    this.#abort.abort();
    this.#onRetry?.();
  }

  #dial(): Promise<Dialled> {
    return dial(this.#options.target, this.#abort.signal);
  }

  #add(dialled: Dialled): void {
    const { limits, clock } = this.#options;
    this.#continuity.meet(dialled.session.instance);
    const link = new Link(dialled, ++this.#made, limits.silenceTimeoutMs, clock, {
      onAnswer: (job) => this.#onAnswer(job, link),
      onNotSent: (job) => {
        this.#drop(job, bufferLost());
        this.#serve();
      },
      onLost: (lost, unanswered, error) => this.#onLost(lost, unanswered, error),
    });
    this.#links.push(link);
    link.start();
  }

  /** Gives waiting jobs to the links that have the least to do. */
  #serve(): void {
    while (this.#queue.length > 0) {
      const link = this.#idlest();
      if (link === undefined) break;
      const job = this.#queue.shift();
      if (job === undefined) break;
      if (!job.isWhole) this.#drop(job, bufferLost());
      else if (job.command === Command.FLUSH && this.#continuity.broken) this.#refuseFlush(job);
      else link.send(job);
    }
    if (this.#queue.length > 0 && this.#links.length === 0) void this.#recover();
  }

  #idlest(): Link | undefined {
    let best: Link | undefined;
    for (const link of this.#links) {
      if (link.isUsable && (best === undefined || link.pending < best.pending)) best = link;
    }
    return best !== undefined && best.pending < this.#options.limits.maxConnectionRequests ? best : undefined;
  }

  #onAnswer(job: Job, link: Link): void {
    if (job.errno === Errno.ESHUTDOWN) {
      // The server is on its way out and says so; the job waits for the next one.
      const error = new BlockError('UNAVAILABLE', 'the server is going away');
      link.abandon(error);
      this.#again(link, [job], error);
      return;
    }
    this.#continuity.answered(job);
    if (job.errno !== 0) job.reject(answerError(job));
    else if (!job.isWhole) job.reject(bufferLost());
    // Answered by a server that may have forgotten what the one before had answered.
    else if (job.command === Command.FLUSH && this.#continuity.broken) this.#refuseFlush(job);
    else job.resolve();
    this.#serve();
  }

  #onLost(link: Link, unanswered: readonly Job[], error: BlockError): void {
    const index = this.#links.indexOf(link);
    if (index >= 0) this.#links.splice(index, 1);
    if (this.#ended !== undefined) {
      for (const job of unanswered) this.#drop(job, this.#ended);
      return;
    }
    this.#again(link, unanswered, error);
    this.#serve();
    if (this.#links.length > 0 && this.#continuity.provable) void this.#refill();
  }

  /** Puts jobs of a lost link back to the head of the queue, but for those that were lost often enough. */
  #again(link: Link, jobs: readonly Job[], error: BlockError): void {
    for (const job of jobs) job.lost(link.made, this.#made);
    this.#queue = [...jobs.filter((job) => job.losses < LOSSES_MAX), ...this.#queue];
    for (const job of jobs) if (job.losses >= LOSSES_MAX) this.#drop(job, error);
  }

  /** No link is left and requests wait: tries to get one until the time is up. */
  async #recover(): Promise<void> {
    if (this.#recovering || this.#ended !== undefined) return;
    this.#recovering = true;
    const { limits, clock, random } = this.#options;
    const endMs = clock.now() + limits.maxOutageMs;
    let delayMs = RETRY_MS_MIN;
    let failure: BlockError | undefined = limits.maxOutageMs === 0 ? lostError() : undefined;
    while (this.#links.length === 0 && this.#ended === undefined && failure === undefined) {
      failure = await this.#tryLink(endMs);
      if (this.#links.length > 0 || failure !== undefined) break;
      await this.#pause(delayMs * (0.5 + random()));
      delayMs = Math.min(2 * delayMs, RETRY_MS_MAX);
    }
    this.#recovering = false;
    if (failure !== undefined) this.#failQueue(failure);
    this.#serve();
    if (this.#links.length > 0 && this.#continuity.provable) void this.#refill();
  }

  /** One attempt. The error that ends all further ones, if it is one of those. */
  async #tryLink(endMs: number): Promise<BlockError | undefined> {
    try {
      const dialled = await this.#dial();
      this.#accept(dialled);
      return undefined;
    } catch (error) {
      const failure = BlockError.from(error, { operation: 'connect', device: this.#options.target.exportName });
      const hopeless = !failure.retryable && failure.code !== 'NOT_FOUND' && failure.code !== 'IO';
      return hopeless || this.#options.clock.now() >= endMs ? failure : undefined;
    }
  }

  /** Brings the number of connections back to what it was. What fails is left to the next loss. */
  async #refill(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    try {
      while (this.#links.length > 0 && this.#links.length < this.#wanted && this.#ended === undefined) {
        this.#accept(await this.#dial());
        this.#serve();
      }
    } catch {
      // The links that are left do the work.
    } finally {
      this.#recovering = false;
    }
    this.#serve();
  }

  #accept(dialled: Dialled): void {
    try {
      if (this.#ended !== undefined) throw this.#ended;
      this.#options.checkSame(dialled.session);
      this.#checkInstance(dialled.session);
    } catch (error) {
      dialled.wire.destroy();
      throw error;
    }
    this.#add(dialled);
  }

  /** Links that are there at the same time must lead to one device: a flush on one of them is taken for all. */
  #checkInstance({ instance }: Session): void {
    if (this.#options.assumeSameServer) return;
    if (this.#links.every((link) => !link.isUsable || link.session.instance === instance)) return;
    throw new BlockError('UNAVAILABLE', 'a further connection leads to another server');
  }

  #pause(delayMs: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const done = () => {
        clock.clear(timer);
        this.#onRetry = undefined;
        resolve();
      };
      const timer = clock.set(done, delayMs);
      this.#onRetry = done;
    });
  }

  #failQueue(error: BlockError): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const job of queue) this.#drop(job, error);
  }

  #drop(job: Job, error: BlockError): void {
    this.#continuity.dropped(job);
    job.reject(error);
  }

  #refuseFlush(job: Job): void {
    const message =
      'the connection was lost with writes answered but not flushed, and nothing shows that the server still has them';
    this.#drop(job, new BlockError('FLUSH_FAILED', message));
  }
}

function bufferLost(): BlockError {
  return new BlockError(
    'INVALID_ARGUMENT',
    'a buffer was detached, or its memory shrunk, while the operation was under way',
  );
}

function lostError(): BlockError {
  return new BlockError('UNAVAILABLE', 'the connection is lost');
}
