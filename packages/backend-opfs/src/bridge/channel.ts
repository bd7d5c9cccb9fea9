import { BlockError } from '@blockyard/block';
import { type Call, isMessage, PROTOCOL, type Reply, type Request, type Result } from './messages.js';

/** The part of a `Worker` that this package takes. */
export interface WorkerLike {
  /** Sends a message, whose buffers go with it. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  /** Hears of each answer. */
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  /** Hears of a worker that failed, or of an answer that cannot be read. */
  addEventListener(type: 'error' | 'messageerror', listener: (event: object) => void): void;
  /** Ends the worker at once. */
  terminate(): void;
}

interface Waiting {
  /** The device that the call is for, if any. */
  readonly device: number | undefined;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: BlockError) => void;
}

/** Calls of a worker, each with its answer. */
export class Channel {
  readonly #worker: WorkerLike;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #ended: string | undefined;

  constructor(worker: WorkerLike) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }) => {
      if (isMessage(data)) this.#settle(data as Reply);
    });
    worker.addEventListener('error', (event) => this.#end(`the worker has failed: ${messageOf(event)}`));
    worker.addEventListener('messageerror', () => this.#end('an answer of the worker cannot be read'));
  }

  /** What the worker answers. Rejects with `UNAVAILABLE` where it has ended. */
  call(call: Call, transfer: ArrayBuffer[] = []): Promise<Result> {
    if (this.#ended !== undefined) return Promise.reject(new BlockError('UNAVAILABLE', this.#ended));
    this.#calls++;
    const id = this.#calls;
    const device = call.kind === 'device' ? call.device : undefined;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { device, resolve, reject });
      const request: Request = { protocol: PROTOCOL, id, call };
      try {
        this.#worker.postMessage(request, transfer);
      } catch (error) {
        this.#waiting.delete(id);
        reject(
          new BlockError('INVALID_ARGUMENT', `what cannot be sent to a worker: ${String(error)}`, { cause: error }),
        );
      }
    });
  }

  /** Makes the calls for a device that wait fail now. The worker carries them out nevertheless, before any later one. */
  abandon(device: number, makeError: () => BlockError): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.device !== device) continue;
      this.#waiting.delete(id);
      waiting.reject(makeError());
    }
  }

  terminate(): void {
    this.#end('the worker was terminated');
    this.#worker.terminate();
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if ('result' in reply) waiting.resolve(reply.result);
    else waiting.reject(new BlockError(reply.error.code, reply.error.message, { retryable: reply.error.retryable }));
  }

  #end(why: string): void {
    this.#ended ??= why;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    // Calling again does not help: another worker is needed.
    for (const { reject } of waiting) reject(new BlockError('UNAVAILABLE', why, { retryable: false }));
  }
}

function messageOf(event: object): string {
  const { message } = event as { readonly message?: unknown };
  return typeof message === 'string' && message !== '' ? message : 'its script could not be loaded';
}
