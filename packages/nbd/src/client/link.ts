import { BlockError, type Clock } from '@blockyard/block';
import { allocateBytes, viewOf, writeU64 } from '../wire/bytes.js';
import {
  Command,
  CommandFlag,
  EXTENDED_REQUEST_BYTES,
  EXTENDED_REQUEST_MAGIC,
  REQUEST_BYTES,
  REQUEST_MAGIC,
} from '../wire/protocol.js';
import type { Dialled } from './dial.js';
import type { Session } from './handshake.js';
import type { Job } from './job.js';
import { ReplyParser } from './reply-parser.js';
import { Sender } from './sender.js';

export interface LinkEvents {
  /** The job has its whole reply, and nothing refers to its buffers. */
  onAnswer(job: Job): void;
  /** The job was given to the link, and can no longer be sent: its buffers are gone. Nothing of it has left. */
  onNotSent(job: Job): void;
  /** The connection is gone; these jobs were not answered. */
  onLost(link: Link, unanswered: readonly Job[], error: BlockError): void;
}

interface Sent {
  readonly job: Job;
  /** Its bytes have left. */
  written: boolean;
  answered: boolean;
}

/** How long a server may take to hang up after the client said goodbye, in milliseconds. */
const LINGER_MS = 1000;

/** One connection in the transmission phase: sends jobs, matches replies with them. */
export class Link {
  readonly session: Session;
  /** Its number among all that were made, from 1. */
  readonly made: number;
  readonly #dialled: Dialled;
  readonly #events: LinkEvents;
  readonly #clock: Clock;
  readonly #silenceTimeoutMs: number;
  readonly #sender: Sender;
  readonly #sent = new Map<number, Sent>();
  #cookie = 0;
  #failure: BlockError | undefined;
  #timer: unknown;
  #movedBytes = 0;
  #onClosed: (() => void) | undefined;

  constructor(dialled: Dialled, made: number, silenceTimeoutMs: number, clock: Clock, events: LinkEvents) {
    const { wire, inbound, session } = dialled;
    this.session = session;
    this.made = made;
    this.#dialled = dialled;
    this.#events = events;
    this.#clock = clock;
    this.#silenceTimeoutMs = silenceTimeoutMs;
    this.#sender = new Sender(wire);
    const parser = new ReplyParser(inbound, session, {
      find: (cookie) => this.#sent.get(cookie)?.job,
      onDone: (cookie) => this.#onDone(cookie),
      onViolation: (message) => this.abandon(new BlockError('IO', `the server breaks the protocol: ${message}`)),
    });
    inbound.use(parser);
  }

  /** Begins to read. Only then can it be lost. */
  start(): void {
    const { wire } = this.#dialled;
    wire.start({
      ended: () => this.abandon(new BlockError('UNAVAILABLE', 'the server hung up')),
      closed: (error) => this.#onWireClosed(error),
    });
    wire.resume();
  }

  /** Whether it can be given jobs: it is not over, as far as anybody knows. */
  get isUsable(): boolean {
    return this.#failure === undefined && !this.#dialled.wire.closed;
  }

  /** Jobs without an answer. */
  get pending(): number {
    return this.#sent.size;
  }

  send(job: Job): void {
    job.restart();
    const cookie = this.#cookie++;
    const sent: Sent = { job, written: false, answered: false };
    this.#sent.set(cookie, sent);
    const payload = job.command === Command.WRITE ? job.buffers : [];
    this.#sender.push({
      buffers: [this.#header(job, cookie), ...payload],
      isWhole: () => job.isWhole,
      sent: () => {
        sent.written = true;
        if (sent.answered) this.#settle(cookie, sent);
      },
      notSent: () => {
        this.#sent.delete(cookie);
        this.#events.onNotSent(job);
      },
    });
    this.#watch();
  }

  /** Ends it at once. What was not answered is told when the connection is closed: only then nothing refers to the buffers. */
  abandon(error: BlockError): void {
    this.#failure ??= error;
    this.#dialled.inbound.hold();
    this.#dialled.wire.destroy();
  }

  /** Says goodbye; nothing may be pending. Resolves when the connection is closed. */
  async close(): Promise<void> {
    const { wire } = this.#dialled;
    if (wire.closed) return;
    const closed = new Promise<void>((resolve) => {
      this.#onClosed = resolve;
    });
    const extended = this.session.mode === 'extended';
    const goodbye = new Uint8Array(extended ? EXTENDED_REQUEST_BYTES : REQUEST_BYTES);
    const view = viewOf(goodbye);
    view.setUint32(0, extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC);
    view.setUint16(6, Command.DISC);
    wire.write([goodbye], () => {});
    wire.end();
    const timer = this.#clock.set(() => wire.destroy(), LINGER_MS);
    await closed;
    this.#clock.clear(timer);
  }

  #header(job: Job, cookie: number): Uint8Array {
    const extended = this.session.mode === 'extended';
    const bytes = allocateBytes(extended ? EXTENDED_REQUEST_BYTES : REQUEST_BYTES);
    const view = viewOf(bytes);
    const payloadFlag = extended && job.command === Command.WRITE ? CommandFlag.PAYLOAD_LEN : 0;
    view.setUint32(0, extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC);
    view.setUint16(4, job.flags | payloadFlag);
    view.setUint16(6, job.command);
    writeU64(view, 8, cookie);
    writeU64(view, 16, job.offsetBytes);
    if (extended) writeU64(view, 24, job.lengthBytes);
    else view.setUint32(24, job.lengthBytes);
    return bytes;
  }

  #onDone(cookie: number): void {
    const sent = this.#sent.get(cookie);
    if (sent === undefined) return;
    sent.answered = true;
    if (sent.written) this.#settle(cookie, sent);
  }

  #settle(cookie: number, { job }: Sent): void {
    this.#sent.delete(cookie);
    this.#events.onAnswer(job);
  }

  /** While something is pending, looks now and then whether anything moves. */
  #watch(): void {
    if (this.#silenceTimeoutMs === 0 || this.#timer !== undefined) return;
    this.#movedBytes = this.#moved();
    this.#timer = this.#clock.set(() => {
      this.#timer = undefined;
      if (this.pending === 0) return;
      if (this.#moved() !== this.#movedBytes) this.#watch();
      else this.abandon(new BlockError('TIMEOUT', `the server was silent for ${this.#silenceTimeoutMs} ms`));
    }, this.#silenceTimeoutMs);
  }

  #moved(): number {
    return this.#dialled.inbound.receivedBytes + this.#sender.sentBytes;
  }

  #onWireClosed(cause: Error | undefined): void {
    this.#clock.clear(this.#timer);
    this.#onClosed?.();
    const message = cause?.message ?? 'the connection was closed';
    const error = this.#failure ?? new BlockError('UNAVAILABLE', message, { cause });
    const unanswered = [...this.#sent.values()].map(({ job }) => job);
    this.#sent.clear();
    this.#events.onLost(this, unanswered, error);
  }
}
