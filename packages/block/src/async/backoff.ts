import type { Clock } from '../clock.js';
import type { LostSignal } from '../contract.js';

const DELAY_MS_MIN = 100;
const DELAY_MS_MAX = 5000;
/** Doublings after which the bound no longer grows, so that no power overflows. */
const DOUBLINGS_MAX = 16;

/**
 * How long to wait after the failure of this number in a row, from 1 on, in milliseconds: anything up to a bound that doubles
 * from 100 ms to 5 s ("full jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), and no less than
 * `wishMs`, which the other side asked for. `random` gives numbers from 0 to below 1.
 */
export function backoffMs(failures: number, random: () => number, wishMs: number): number {
  const boundMs = Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** Math.min(failures - 1, DOUBLINGS_MAX));
  return Math.max(random() * boundMs, wishMs);
}

/** The part of an `AbortSignal` that a sleep uses. */
type StopSignal = Omit<LostSignal, 'reason'>;

/** Resolves after `delayMs` of the clock, or at once when `signal` fires; the caller looks which. */
export function sleep(clock: Clock, delayMs: number, signal?: StopSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const end = () => {
      clock.clear(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.set(end, delayMs);
    signal?.addEventListener('abort', end);
  });
}
