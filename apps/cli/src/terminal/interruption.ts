import { constants } from 'node:os';
import { isBlockError } from '@blockyard/block';

/** What asks for an end: from the terminal, from a service manager, and from a terminal that was closed. */
export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Why work was given up: a signal asked for it. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  /** As shells tell of a signal. */
  readonly exitCode: number;

  constructor(signal: (typeof SIGNALS)[number]) {
    super(`ended by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** The interruption that an error tells of, if it tells of one. */
export function interruptionIn(error: unknown): Interruption | undefined {
  if (error instanceof Interruption) return error;
  return isBlockError(error) && error.cause !== undefined ? interruptionIn(error.cause) : undefined;
}

/** Settles as `work` does, or rejects with the signal's reason if that fires first. The work itself goes on until the process ends. */
export async function unlessInterrupted<T>(interruption: AbortSignal, work: Promise<T>): Promise<T> {
  let onAbort = () => {};
  const interrupted = new Promise<never>((_, reject) => {
    onAbort = () => reject(interruption.reason);
    interruption.addEventListener('abort', onAbort, { once: true });
    if (interruption.aborted) onAbort();
  });
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    interruption.removeEventListener('abort', onAbort);
  }
}
