import { systemClock } from '../clock.js';

/** Macrotasks after which everything is at rest that waits for promises and a few macrotasks alone. */
const MACROTASKS_TO_REST = 8;

/** Lets so many macrotasks pass, one after the other. Promises that can settle meanwhile do. */
export async function macrotasks(count = 1): Promise<void> {
  for (let passed = 0; passed < count; passed++) await new Promise<void>(systemClock.macrotask);
}

/** Lets everything happen that waits for neither a timer nor I/O. */
export function settled(): Promise<void> {
  return macrotasks(MACROTASKS_TO_REST);
}

/**
 * Resolves once `condition` is true, which is looked at after every macrotask. Rejects if it is still false after `timeoutMs`
 * of real time, by default 30 seconds.
 */
export async function until(condition: () => boolean, timeoutMs = 30_000): Promise<void> {
  const endMs = systemClock.now() + timeoutMs;
  while (!condition()) {
    if (systemClock.now() > endMs) throw new Error(`the condition is still false after ${timeoutMs} ms: ${condition}`);
    await macrotasks();
  }
}
