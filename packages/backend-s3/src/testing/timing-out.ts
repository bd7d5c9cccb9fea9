import { setTimeout as delay } from 'node:timers/promises';
import type { FaultProxy } from '@blockyard/local-s3';
import type { TestClock } from './clock.js';

/** Far more than a store needs on a busy machine: only the clock of a test brings the end of it. */
export const TIMEOUT_MS = 60_000;
/** Until the client has seen that its request has left. */
const NOTICE_MS = 30;
/** How often it is looked whether the proxy has seen that the client is gone, before time passes once more. */
const NOTICE_LOOKS_MAX = 100;

/** Lets the time-out pass of each request that the proxy leaves without an answer, until `task` has settled. */
export async function timingOut<T>(task: Promise<T>, proxy: FaultProxy, clock: TestClock): Promise<T> {
  let isSettled = false;
  const end = () => {
    isSettled = true;
  };
  task.then(end, end);
  const isWaiting = () => !isSettled && proxy.silentRequests > 0;
  while (!isSettled) {
    await delay(NOTICE_MS);
    if (!isWaiting()) continue;
    await delay(NOTICE_MS);
    clock.advance(TIMEOUT_MS);
    for (let looks = 0; isWaiting() && looks < NOTICE_LOOKS_MAX; looks++) await delay(NOTICE_MS);
  }
  return task;
}
