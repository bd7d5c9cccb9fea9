import { BlockError, type Clock } from '@blockyard/block';
import { Retry, Semaphore } from '@blockyard/block/async';
import type { Backlog } from '../changes/backlog.js';
import { NO_ID } from '../format/bytes.js';
import type { Attachment } from './attachment.js';
import type { Committer } from './committer.js';
import type { Log } from './log.js';

const MIN_PROBE_DELAY_MS = 1000;
const MAX_PROBE_DELAY_MS = 600_000;

export interface MediumStateOptions {
  readonly clock: Clock;
  readonly name: string;
  /** The medium has begun to fail. */
  readonly onError: (error: BlockError) => void;
  /** Something is to be drained, or can be. */
  readonly onChange: () => void;
}

/**
 * Whether what is accepted goes to the log. It does not from when the medium fails until it works again: what the log has is
 * drained, then the log is made not to count, and from then on what is accepted goes to the base alone.
 */
export class MediumState {
  readonly #parts: {
    readonly backlog: Backlog;
    readonly log: Log;
    readonly committer: Committer;
    readonly attachment: Attachment;
  };
  readonly #options: MediumStateOptions;
  readonly #probe: Retry;
  readonly #turns = new Semaphore(1);
  #phase: 'logging' | 'leaving' | 'through' = 'logging';
  #failedAtMs = 0;
  #isDue = false;
  #hasEnded = false;

  constructor(
    parts: {
      readonly backlog: Backlog;
      readonly log: Log;
      readonly committer: Committer;
      readonly attachment: Attachment;
    },
    options: MediumStateOptions,
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#probe = new Retry(options.clock, MIN_PROBE_DELAY_MS, MAX_PROBE_DELAY_MS, () => this.#due());
  }

  get phase(): 'logging' | 'leaving' | 'through' {
    return this.#phase;
  }

  get isDue(): boolean {
    return this.#isDue && this.#phase === 'through';
  }

  /** Why it is not used, for how long, and when it is tried again; undefined while it is. */
  get failure() {
    if (this.#phase === 'logging') return undefined;
    const failingMs = this.#options.clock.now() - this.#failedAtMs;
    return { error: this.#placed(this.#probe.error), failingMs, nextProbeMs: this.#probe.waitMs ?? 0 };
  }

  /** The medium can be appended to. */
  began(): void {
    if (!this.#hasEnded && this.#phase === 'logging') this.#parts.committer.begin();
  }

  /** A call of the medium has failed. What was durable before is trusted, and no more. */
  mediumFailed(error: unknown): void {
    if (this.#hasEnded) return;
    this.#probe.failed(error);
    if (this.#phase !== 'logging') return;
    this.#phase = 'leaving';
    this.#failedAtMs = this.#options.clock.now();
    this.#parts.committer.stop();
    this.#parts.backlog.unlog();
    this.#parts.backlog.durable.fail(error);
    this.#options.onError(this.#placed(error));
    this.#options.onChange();
  }

  /** The medium has taken a record: the next failure is the first one. */
  proven(): void {
    if (this.#phase === 'logging') this.#probe.succeeded();
  }

  /** See {@link Phases.leave}. Rejects where neither the medium nor the base can be told. */
  leave(): Promise<void> {
    return this.#turns.run(async () => {
      if (this.#phase !== 'leaving') return;
      const { log, attachment } = this.#parts;
      const failure = await errorOf(log.reset(NO_ID));
      if (failure !== undefined) this.#probe.failed(failure);
      const refusal = await errorOf(attachment.abandon());
      if (failure !== undefined && refusal !== undefined) throw this.#placed(failure);
      this.#phase = 'through';
      this.#options.onChange();
    });
  }

  /** See {@link Phases.tryAgain}. Never rejects. */
  tryAgain(): Promise<void> {
    return this.#turns.run(async () => {
      if (!this.#isDue || this.#phase === 'logging') return;
      this.#isDue = false;
      const { log, committer } = this.#parts;
      const failure = await errorOf(this.#phase === 'leaving' ? log.resume() : log.reset(NO_ID));
      if (failure !== undefined) {
        this.#probe.failed(failure);
        return;
      }
      this.#phase = 'logging';
      committer.begin();
      this.#options.onChange();
    });
  }

  /** No timer is set, now or later; and a medium that was given up has not failed. */
  end(): void {
    this.#hasEnded = true;
    this.#probe.end();
  }

  #due(): void {
    this.#isDue = true;
    // While something that was never logged may be on its way to the base, it is for whom it brings there to say when.
    if (this.#phase === 'leaving') void this.tryAgain();
    else this.#options.onChange();
  }

  #placed(error: unknown): BlockError {
    return BlockError.from(error, { device: this.#options.name });
  }
}

async function errorOf(work: Promise<void>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error ?? new Error('an unknown error');
  }
}
