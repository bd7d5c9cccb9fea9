import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { brokenOff, connectionError } from '../link/broken-off.js';
import { aborted, headersOf, type SendOptions, type TransportResponse } from '../link/transport.js';
import type { Reads } from './reads.js';

/** What comes before the body of an answer. */
export interface AnswerHead {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Takes an answer as it comes. What it throws is what the request fails with. */
export interface AnswerTaker {
  /** `'take'`: the body goes to `push`. `'enough'`: nothing of it is wanted. `'leave'`: the answer is for someone else. */
  start(head: AnswerHead): 'take' | 'enough' | 'leave';
  /** The next bytes, in a buffer that is used again afterwards. Returns whether more are wanted. */
  push(piece: Uint8Array): boolean;
  /** All that was wanted has come. */
  end(): void;
}

/** The answer, for the SDK if the taker left it; without a body if the taker has had that. */
export type Exchanged = Omit<TransportResponse, 'body'> & { readonly body: Readable | undefined };

/** Where the outcome of an exchange goes. */
export interface Settle {
  readonly resolve: (exchanged: Exchanged) => void;
  readonly reject: (error: unknown) => void;
}

/** Bytes of an answer that was left, beyond which it is truncated. An error of S3 has less than a thousandth of them. */
const LEFT_BYTES_MAX = 1 << 20;

/** One request and its answer, as the connection tells of them. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #taker: AnswerTaker;
  readonly #options: SendOptions;
  readonly #settle: Settle;
  readonly #reads: Pick<Reads, 'took' | 'ended'>;
  #controller: Dispatcher.DispatchController | undefined;
  #head: Omit<Exchanged, 'body'> | undefined;
  /** Of an answer that the taker left. */
  #left: Uint8Array[] | undefined;
  #leftBytes = 0;
  #isOver = false;

  constructor(taker: AnswerTaker, options: SendOptions, settle: Settle, reads: Pick<Reads, 'took' | 'ended'>) {
    this.#taker = taker;
    this.#options = options;
    this.#settle = settle;
    this.#reads = reads;
    options.abort?.listen(() => this.#fail(aborted()));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(aborted());
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    statusCode: number,
    headers: Parameters<typeof headersOf>[0],
    reason = '',
  ): void {
    this.#options.watch?.received();
    // Below 200 are hints before the answer.
    if (this.#isOver || statusCode < 200) return;
    const head = { statusCode, headers: headersOf(headers), reason };
    this.#head = head;
    this.#try(() => {
      const wish = this.#taker.start(head);
      if (wish === 'leave') this.#left = [];
      if (wish === 'enough') this.#finishEarly();
    });
  }

  onResponseData(_: Dispatcher.DispatchController, piece: Uint8Array): void {
    if (this.#isOver) return;
    this.#options.watch?.received();
    const left = this.#left;
    this.#try(() => {
      const isMoreWanted = left === undefined ? this.#taker.push(piece) : this.#keep(left, piece);
      if (!isMoreWanted) this.#finishEarly();
    });
    this.#reads.took(piece);
  }

  onResponseEnd(): void {
    this.#reads.ended();
    if (!this.#isOver) this.#try(() => this.#finish());
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(this.#head === undefined ? connectionError(error) : brokenOff(error));
  }

  #keep(left: Uint8Array[], piece: Uint8Array): boolean {
    left.push(Buffer.from(piece));
    this.#leftBytes += piece.byteLength;
    return this.#leftBytes <= LEFT_BYTES_MAX;
  }

  #finishEarly(): void {
    this.#finish();
    this.#drop();
  }

  #finish(): void {
    const head = this.#head;
    if (head === undefined) return;
    const left = this.#left;
    if (left === undefined) this.#taker.end();
    const body = left && Readable.from([Buffer.concat(left)], { objectMode: false });
    this.#settle.resolve({ statusCode: head.statusCode, headers: head.headers, reason: head.reason, body });
    this.#isOver = true;
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#settle.reject(error);
    this.#isOver = true;
    this.#drop();
  }

  #try(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What is not read to its end would keep the connection. */
  #drop(): void {
    this.#controller?.abort(aborted());
  }
}
