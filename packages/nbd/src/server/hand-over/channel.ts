import type { SendHandle } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { BlockError, type Clock } from '@blockyard/block';
import { type Handle, isHandle } from '../../wire/wire.js';

/** As much of a process as it takes to talk to it. */
export interface OtherProcess extends Pick<EventEmitter, 'on' | 'off'> {
  readonly connected: boolean;
  // The types of `process` and of a child process differ in what may be undefined.
  send?:
    | ((message: object, handle: SendHandle, options: object, sent: (error: Error | null) => void) => boolean)
    | undefined;
  disconnect(): void;
  /** Of `process`: the number of the other process while it lives. */
  readonly ppid?: number;
}

interface Received<M> {
  readonly message: M;
  readonly handle: Handle | undefined;
}

/** Messages to and from another process, in their order. */
export class Channel<Out extends object, In extends { readonly type: string }> {
  readonly #peer: OtherProcess;
  readonly #who: string;
  readonly #received: Received<In>[] = [];
  #isOver: boolean;
  readonly #waiting: (() => void)[] = [];

  /** `who` is the other process in messages for people. */
  constructor(peer: OtherProcess, who: string) {
    this.#peer = peer;
    this.#who = who;
    this.#isOver = !peer.connected;
    peer.on('message', this.#onMessage);
    peer.on('disconnect', this.#onOver);
    peer.on('exit', this.#onExit);
  }

  /** Resolves when the system has the message, and false if it never will. The socket stays open here, too. */
  send(message: Out, handle?: Handle): Promise<boolean> {
    const sent = new Promise<boolean>((resolve) => {
      if (this.#peer.send === undefined) resolve(false);
      else this.#peer.send(message, handle as unknown as SendHandle, {}, (error) => resolve(error === null));
    });
    // What waits for the one before it is forgotten when the other process is gone.
    return Promise.race([sent, this.over().then(() => false)]);
  }

  /** The next message. Rejects with `UNAVAILABLE` if the other process is gone. */
  async next(): Promise<Received<In>> {
    for (;;) {
      const received = this.#received.shift();
      if (received !== undefined) return received;
      if (this.#isOver) throw this.gone();
      await this.#change();
    }
  }

  /** A message of that type that has come and was not taken. It stays. */
  find<T extends In['type']>(type: T): Extract<In, { type: T }> | undefined {
    return this.#received.find(({ message }) => message.type === type)?.message as Extract<In, { type: T }> | undefined;
  }

  /** Whether no further message can come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when a message of that type has come, or none can come any longer. */
  async foundOrOver(type: In['type']): Promise<void> {
    while (!this.#isOver && this.find(type) === undefined) await this.#change();
  }

  /** Resolves when no further message can come. */
  async over(): Promise<void> {
    while (!this.#isOver) await this.#change();
  }

  /** That the other process is gone, as an error. */
  gone(): BlockError {
    return new BlockError('UNAVAILABLE', `${this.#who} is gone`);
  }

  /** Ends it. Sockets that came and were not taken are closed. */
  close(): void {
    this.#peer.off('message', this.#onMessage);
    this.#peer.off('disconnect', this.#onOver);
    this.#peer.off('exit', this.#onExit);
    for (const { handle } of this.#received.splice(0)) handle?.close();
    if (this.#peer.connected) this.#peer.disconnect();
    this.#onOver();
  }

  readonly #onMessage = (message: unknown, sent: unknown): void => {
    this.#received.push({ message: message as In, handle: isHandle(sent) ? sent : undefined });
    this.#wake();
  };

  /** While a socket is not acknowledged, Node does not tell of a channel's end. What the process had sent comes first. */
  readonly #onExit = (): void => {
    if (this.#peer.connected && !this.#isOver) setImmediate(this.#onExit);
    else this.#onOver();
  };

  readonly #onOver = (): void => {
    this.#isOver = true;
    this.#wake();
  };

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Settles as `work` does, or rejects with `TIMEOUT`; the work goes on. */
export async function within<T>(clock: Clock, timeoutMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: unknown;
  const late = new Promise<never>((_, reject) => {
    timer = clock.set(() => reject(new BlockError('TIMEOUT', `${what} took more than ${timeoutMs} ms`)), timeoutMs);
  });
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clock.clear(timer);
  }
}
