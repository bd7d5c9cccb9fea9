import type { Clock } from '@blockyard/block';

/**
 * The clock that was given, so that no request and no timer fails because of it. It never runs backwards: where it cannot tell
 * the time, no time has passed. A timer that it cannot set does not fire, and neither does one that was cleared or has fired.
 * What is thrown in a timer goes to `onBroken`.
 */
export function containedClock(clock: Clock, onBroken: (error: unknown) => void): Clock {
  let latestMs: number | undefined;
  return {
    now() {
      const nowMs = attempt(() => clock.now());
      if (nowMs !== undefined && (latestMs === undefined || nowMs > latestMs)) latestMs = nowMs;
      return latestMs ?? 0;
    },
    set(callback, delayMs) {
      const timer: Timer = { isSet: true, inner: undefined };
      timer.inner = attempt(() => clock.set(() => fire(timer, callback, onBroken), delayMs));
      return timer;
    },
    clear(timer) {
      const { inner, isSet } = timer as Timer;
      if (!isSet) return;
      (timer as Timer).isSet = false;
      attempt(() => clock.clear(inner));
    },
  };
}

interface Timer {
  isSet: boolean;
  inner: unknown;
}

function fire(timer: Timer, callback: () => void, onBroken: (error: unknown) => void): void {
  if (!timer.isSet) return;
  timer.isSet = false;
  try {
    callback();
  } catch (error) {
    onBroken(error);
  }
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
