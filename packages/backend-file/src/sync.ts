import { BlockError } from '@blockyard/block';
import { fileError } from './errno.js';
import type { FileIo } from './file-io.js';

/**
 * Makes changes of a file durable: one `fsync` at a time, shared by all who can be answered by it [D1].
 *
 * After an `fsync` error no one can tell what is durable: Linux reports the error once and marks the lost pages clean, so that
 * the next `fsync` succeeds (https://lwn.net/Articles/752063/). Hence the first error is the answer to every later call [D3].
 */
export class Sync {
  readonly #io: FileIo;
  /** Changes that the file has seen. Starts at one: what an earlier process wrote may not be durable either. */
  #changes = 1;
  #durableChanges = 0;
  /** Whether the size, which `fdatasync` need not make durable everywhere, is among the changes: an earlier process's too. */
  #sizeChanged = true;
  #running: Promise<void> | undefined;
  #failure: BlockError | undefined;

  constructor(io: FileIo) {
    this.#io = io;
  }

  /** To be called when a change is complete, also one that failed: before, a running `fsync` could miss it. */
  contentsChanged(): void {
    this.#changes++;
  }

  sizeChanged(): void {
    this.#changes++;
    this.#sizeChanged = true;
  }

  /** Throws `FLUSH_FAILED` once no one can tell what is durable. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw refusal(this.#failure);
  }

  /** Resolves when every change that was complete at the call is durable. */
  async flush(): Promise<void> {
    const wanted = this.#changes;
    while (this.#failure !== undefined || this.#durableChanges < wanted) {
      this.throwIfFailed();
      if (this.#running === undefined) await this.#start();
      else await settled(this.#running);
    }
  }

  #start(): Promise<void> {
    this.#running = this.#sync().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #sync(): Promise<void> {
    const changes = this.#changes;
    const full = this.#sizeChanged;
    this.#sizeChanged = false;
    try {
      await (full ? this.#io.sync() : this.#io.datasync());
    } catch (error) {
      const { code, message } = fileError(error);
      // Not even one that would be worth another try elsewhere, such as NO_SPACE.
      this.#failure = new BlockError(code, message, { cause: error, retryable: false });
      throw this.#failure;
    }
    this.#durableChanges = changes;
  }
}

function refusal(failure: BlockError): BlockError {
  const message = `an earlier flush failed (${failure.message}), so no one can tell what is durable`;
  return new BlockError('FLUSH_FAILED', message, { cause: failure });
}

async function settled(promise: Promise<void>): Promise<void> {
  try {
    await promise;
  } catch {
    // Told to the one who started it; everybody else looks at the outcome.
  }
}
