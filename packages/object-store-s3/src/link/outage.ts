import type { Clock } from '@blockyard/block';
import { backoffMs } from '@blockyard/block/async';

/** Failures in a row, with no answer between them, after which the store counts as away. */
const FAILURES_MAX = 3;

/** An absence that is over sooner is not told: a store that closed its idle connections, a gateway that restarted. */
const TOLD_AFTER_MS = 1000;

/** A trial that has said nothing for so long does not keep the next one waiting. */
const TRIAL_MS = 5000;

/** How a request goes out: as any other, or to see whether the store is back. */
export type Pass = 'free' | 'trial';

export interface OutageOptions {
  readonly clock: Clock;
  /** From 0 to before 1. */
  readonly random: () => number;
  readonly onAway: (forMs: number, error: unknown) => void;
  readonly onBack: (forMs: number) => void;
}

interface Waiter {
  readonly end: (pass: Pass | undefined) => void;
}

/**
 * Whether the store is there, as far as all requests together know.
 *
 * While it is away a request is sent only now and then, to see; first the one that has waited longest, and the next time
 * another, so that a request that can never succeed does not keep the others waiting. All go on when one is answered.
 */
export class Outage {
  readonly #options: OutageOptions;
  /** As many as there are requests under way, which the callers bound. */
  readonly #waiting: Waiter[] = [];
  /** In a row, up to now; those of trials alone while the store is away. */
  #failures = 0;
  #firstFailureMs = 0;
  #isAway = false;
  #isTold = false;
  /** Until the next trial. */
  #pause: { readonly timer: unknown; readonly dueMs: number } | undefined;
  #error: unknown;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  /** For how long nothing has been answered, in milliseconds, and in how many the next trial may go; undefined unless it is away. */
  get times(): { readonly awayMs: number; readonly nextTryMs: number } | undefined {
    if (!this.#isAway) return undefined;
    const nowMs = this.#options.clock.now();
    const nextTryMs = Math.max(0, (this.#pause?.dueMs ?? nowMs) - nowMs);
    return { awayMs: Math.max(0, nowMs - this.#firstFailureMs), nextTryMs };
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** What was wrong last. */
  get error(): unknown {
    return this.#error;
  }

  /**
   * When a request may be sent, and how; undefined at `untilMs` on the clock, or when `signal` fires. What was let through ends
   * with `answered`, `failed` or `gaveUp`.
   */
  admit(untilMs: number, signal: AbortSignal): Pass | Promise<Pass | undefined> {
    if (!this.#isAway) return 'free';
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const waiter: Waiter = {
        end: (pass) => {
          clock.clear(timer);
          signal.removeEventListener('abort', leave);
          resolve(pass);
        },
      };
      const leave = () => {
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) this.#waiting.splice(at, 1);
        waiter.end(undefined);
      };
      const timer = clock.set(leave, Math.max(0, untilMs - clock.now()));
      signal.addEventListener('abort', leave);
      this.#waiting.push(waiter);
      this.#tryOne();
    });
  }

  /** The store has answered a request. */
  answered(): void {
    this.#failures = 0;
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#endPause();
    if (this.#isTold) this.#options.onBack(this.#options.clock.now() - this.#firstFailureMs);
    this.#isTold = false;
    for (const waiter of this.#waiting.splice(0)) waiter.end('free');
  }

  /** The store has not answered, or could not do its work, and wants to be left alone for `wishMs`. */
  failed(pass: Pass, error: unknown, wishMs: number): void {
    const { clock, random, onAway } = this.#options;
    this.#error = error;
    // Many that were under way fail together, which says no more than one of them.
    if (this.#isAway && pass === 'free') return;
    if (this.#failures++ === 0) this.#firstFailureMs = clock.now();
    if (this.#failures < FAILURES_MAX) return;
    this.#isAway = true;
    const forMs = clock.now() - this.#firstFailureMs;
    if (!this.#isTold && forMs >= TOLD_AFTER_MS) {
      this.#isTold = true;
      onAway(forMs, error);
    }
    this.#pauseFor(backoffMs(this.#failures - FAILURES_MAX + 1, random, wishMs));
  }

  /** A request ended without telling anything about the store. */
  gaveUp(pass: Pass): void {
    if (pass === 'free' || !this.#isAway) return;
    this.#endPause();
    this.#tryOne();
  }

  /** Ends the timer. */
  close(): void {
    this.#endPause();
  }

  #tryOne(): void {
    if (this.#pause !== undefined) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#pauseFor(TRIAL_MS);
    next.end('trial');
  }

  #pauseFor(delayMs: number): void {
    this.#endPause();
    const { clock } = this.#options;
    const timer = clock.set(() => {
      this.#pause = undefined;
      this.#tryOne();
    }, delayMs);
    this.#pause = { timer, dueMs: clock.now() + delayMs };
  }

  #endPause(): void {
    if (this.#pause !== undefined) this.#options.clock.clear(this.#pause.timer);
    this.#pause = undefined;
  }
}
