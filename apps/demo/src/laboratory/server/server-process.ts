import { type ChildProcess, fork } from 'node:child_process';
import { BlockError } from '@blockyard/block';
import type { AnswerMessage, ArgumentOf, CallMessage, CallName, ResultOf } from './calls.js';

/** Calls without an answer yet, at most. */
const CALLS_MAX = 64;
/** Of what the process printed last, so much is told when it has ended. */
const LAST_WORDS_MAX = 2000;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: BlockError): void;
}

/** A process of its own that serves a volume. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #lastWords = '';
  /** Resolves when the process is gone, with how it ended. */
  readonly ended: Promise<string>;

  /** Starts it. `program` is the path of its script. */
  constructor(program: string, env: NodeJS.ProcessEnv) {
    this.#child = fork(program, { env, serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#child.on('message', (message) => this.#answered(message as AnswerMessage));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS_MAX);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve(this.#end(code, signal)));
      this.#child.on('error', (error) => {
        // It did not start, or a message could not be sent to it.
        if (this.#child.pid === undefined) resolve(error.message);
        else this.#child.kill('SIGKILL');
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Rejects as the call does, or with `UNAVAILABLE` if the process ends before it answers. */
  call<N extends CallName>(
    name: N,
    ...[argument]: ArgumentOf<N> extends undefined ? [] : [argument: ArgumentOf<N>]
  ): Promise<ResultOf<N>> {
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) return reject(gone());
      if (this.#waiting.size >= CALLS_MAX) return reject(new BlockError('UNAVAILABLE', 'too many calls wait'));
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      const message: CallMessage = { id, name, argument };
      this.#child.send(message);
    });
  }

  /** Ends it as a loss of power would: at once, with no chance to do anything. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #end(code: number | null, signal: NodeJS.Signals | null): string {
    for (const { reject } of this.#waiting.values()) reject(gone());
    this.#waiting.clear();
    if (signal !== null) return `by ${signal}`;
    return `with code ${code}${this.#lastWords === '' ? '' : `: ${this.#lastWords.trim()}`}`;
  }

  #answered(message: AnswerMessage): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) waiting?.reject(new BlockError(message.error.code, message.error.message));
    else waiting?.resolve(message.result);
  }
}

function gone(): BlockError {
  return new BlockError('UNAVAILABLE', 'the process that serves the volume has ended');
}
