import { constants } from 'node:os';
import { isBlockError } from '@blockyard/block';

/** Why work was given up: a signal asked for it. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  /** As shells tell of a signal. */
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`ended by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** The interruption that an error tells of, if it tells of one. */
export function interruptionIn(error: unknown): Interruption | undefined {
  if (error instanceof Interruption) return error;
  return isBlockError(error) && error.cause !== undefined ? interruptionIn(error.cause) : undefined;
}
