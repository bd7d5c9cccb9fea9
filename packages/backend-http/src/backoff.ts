import type { Clock } from '@blockyard/block';

const DELAY_MS_MIN = 100;
const DELAY_MS_MAX = 5000;

/**
 * How long to wait after the failure of this number, in milliseconds: anything up to a bound that doubles from 100 ms to 5 s
 * ("full jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), and no less than the server wishes.
 */
export function backoffMs(failures: number, random: () => number, wishMs: number): number {
  const boundMs = Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** Math.min(failures - 1, 16));
  return Math.max(random() * boundMs, wishMs);
}

/** Resolves after `delayMs`, or at once when `signal` fires; the caller looks which. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clock.clear(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.set(end, delayMs);
    signal.addEventListener('abort', end);
  });
}
