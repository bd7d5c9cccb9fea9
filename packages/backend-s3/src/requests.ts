import { BlockError } from '@blockyard/block';
import { toBlockError } from './store-error.js';

/**
 * Runs requests so that each one ends: with its answer, at its deadline, or when everything is aborted. The SDK tries again by
 * itself what is transient; the deadline is that of all the attempts and of the answer's body together.
 */
export class Requests {
  readonly #deadlineMs: number;
  readonly #inFlight = new Set<AbortController>();
  #closed = false;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  /** Throws a BlockError, except for what `expected` says is an answer too: that is thrown as it came. */
  async run<T>(
    what: string,
    request: (signal: AbortSignal) => Promise<T>,
    expected: (error: unknown) => boolean = () => false,
  ): Promise<T> {
    if (this.#closed) throw disconnected(what);
    const controller = new AbortController();
    this.#inFlight.add(controller);
    const deadline = setTimeout(() => controller.abort(), this.#deadlineMs);
    try {
      return await request(controller.signal);
    } catch (error) {
      if (this.#closed) throw disconnected(what, error);
      if (controller.signal.aborted) {
        throw new BlockError('TIMEOUT', `${what}: no answer within ${this.#deadlineMs} ms`, { cause: error });
      }
      throw expected(error) ? error : toBlockError(error, what);
    } finally {
      clearTimeout(deadline);
      this.#inFlight.delete(controller);
    }
  }

  /** Aborts what is in flight, and refuses what comes later. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#inFlight) controller.abort();
  }
}

function disconnected(what: string, cause?: unknown): BlockError {
  return new BlockError('DISCONNECTED', `${what}: the device was disconnected`, { cause });
}
