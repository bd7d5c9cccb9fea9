import type { Clock } from '@blockyard/block';
import { Alarm } from './changes/alarm.js';
import type { Backlog } from './changes/backlog.js';
import type { Drainer } from './drain/drainer.js';
import type { Attachment } from './log/attachment.js';
import type { Log } from './log/log.js';
import type { MediumState } from './log/medium-state.js';

/** After so long without anything to drain, the base and the medium are told that they do not need each other. */
const RELEASE_AFTER_MS = 30_000;

/**
 * After so long a superblock says that what was flushed is durable in the log, so that from then on its loss is noticed: until a
 * later record says so, the newest one that is destroyed looks like one that was never written.
 */
const CONFIRM_AFTER_MS = 1000;

/** Nothing is drained for so long that no one waits for, where a log is opened for another one to go on: it has clients to serve first. */
const HELD_AT_FIRST_MS = 500;

export interface TimersParts {
  readonly backlog: Backlog;
  readonly log: Log;
  readonly attachment: Attachment;
  readonly drainer: Drainer;
  readonly state: MediumState;
}

export interface TimersOptions {
  readonly clock: Clock;
  readonly maxDirtyAgeMs: number;
  /** The base cannot be told that it is not attached. */
  readonly onError: (error: unknown) => void;
}

/** What is done in time, though no one asks for it. */
export class Timers {
  readonly #parts: TimersParts;
  readonly #options: TimersOptions;
  /** When the oldest that is not drained is old enough. */
  readonly #age: Alarm;
  /** When nothing was to be drained for long enough. */
  readonly #rest: Alarm;
  /** When a superblock is to say what is durable in the log. */
  readonly #confirmation: Alarm;
  /** When what was found is drained as ever. */
  readonly #beginning: Alarm;
  #hasEnded = false;

  constructor(parts: TimersParts, options: TimersOptions) {
    const { clock } = options;
    this.#parts = parts;
    this.#options = options;
    this.#age = new Alarm(clock, () => this.set());
    this.#rest = new Alarm(clock, () => this.#release());
    this.#beginning = new Alarm(clock, () => this.release());
    this.#confirmation = new Alarm(clock, () => {
      this.confirm().catch((error: unknown) => parts.state.mediumFailed(error));
    });
  }

  /** Something is to be drained that was not before, or no longer. */
  set(): void {
    if (this.#hasEnded) return;
    const { clock, maxDirtyAgeMs } = this.#options;
    const { oldest, accepted } = this.#parts.backlog;
    if (oldest === undefined) {
      this.#age.clear();
      this.#rest.set(RELEASE_AFTER_MS);
      return;
    }
    this.#rest.clear();
    const leftMs = oldest.acceptedAtMs + maxDirtyAgeMs - clock.now();
    if (leftMs > 0) this.#age.set(leftMs);
    else this.#parts.drainer.aim(accepted);
  }

  /** Nothing is drained at first that no one waits for. */
  holdAtFirst(): void {
    this.#parts.drainer.hold();
    this.#beginning.set(HELD_AT_FIRST_MS);
  }

  /** Nothing is drained that no one waits for. See {@link Drainer.hold}. */
  hold(): void {
    this.#beginning.clear();
    this.#parts.drainer.hold();
  }

  release(): void {
    this.#beginning.clear();
    this.#parts.drainer.release();
    this.set();
  }

  /** Something is durable in the log that is relied upon. */
  logged(): void {
    if (!this.#confirmation.isSet) this.#confirmation.set(CONFIRM_AFTER_MS);
  }

  /** Says on the medium what is durable in the log. */
  async confirm(): Promise<void> {
    const { log, state } = this.#parts;
    if (!this.#hasEnded && state.phase === 'logging' && log.isUnconfirmed) await log.confirm();
  }

  /** The same at an end that leaves it there. */
  async leave(): Promise<void> {
    const { log, state } = this.#parts;
    this.#confirmation.clear();
    if (!this.#hasEnded && state.phase === 'logging') await log.leave();
  }

  end(): void {
    this.#hasEnded = true;
    this.#age.clear();
    this.#rest.clear();
    this.#confirmation.clear();
    this.#beginning.clear();
  }

  #release(): void {
    const { backlog, log, attachment, state } = this.#parts;
    if (this.#hasEnded || !backlog.isEmpty || state.phase !== 'logging') return;
    attachment.release(log).catch((error: unknown) => this.#options.onError(error));
  }
}
