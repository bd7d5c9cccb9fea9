import type { Socket } from 'node:net';
import type { Clock } from '@blockyard/block';
import { Inbound, type Parser } from '../wire/inbound.js';
import { adopt, type Handle, isHandle, socketOver, Wire } from '../wire/wire.js';
import type { Peer, ServerEvent } from './events.js';
import { type Export, type Exports, sizeBytesOf } from './exports/exports.js';
import type { BusyPoll } from './fairness/busy-poll.js';
import type { Pace } from './fairness/pace.js';
import type { ClientState } from './hand-over/messages.js';
import { Arena } from './memory/arena.js';
import type { Account, Budget } from './memory/budget.js';
import type { BufferPool } from './memory/buffer-pool.js';
import { greeting, Handshake } from './negotiation/handshake.js';
import { Negotiation } from './negotiation/negotiation.js';
import type { Limits } from './options.js';
import type { Counters } from './stats.js';
import type { TlsUpgrade } from './tls.js';
import type { Terms } from './transmission/check.js';
import { Executor } from './transmission/executor.js';
import { Outbound } from './transmission/outbound.js';
import type { Request } from './transmission/request.js';
import { Transmission, type TransmissionHost } from './transmission/transmission.js';

/** What the connections of a server share. */
export interface Shared {
  readonly exports: Exports;
  readonly limits: Limits;
  readonly tls: TlsUpgrade | undefined;
  readonly budget: Budget;
  readonly pool: BufferPool;
  readonly pace: Pace;
  readonly busyPoll: BusyPoll;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly onEvent: (event: ServerEvent) => void;
}

/** How long a client may take to hang up after the server did, before what it still sends is answered with a reset. */
const LINGER_MS = 1000;

/** A message that comes in counts as moving as long as so much of it comes between two looks at it, in bytes. */
const PROGRESS_BYTES = 256 * 1024;

/** What had come of a message when it last had moved. */
interface Progress {
  readonly request: Request | undefined;
  readonly receivedBytes: number;
  readonly atMs: number;
}

/** Takes whatever comes. */
const DISCARD: Parser = {
  parse(inbound) {
    inbound.at = inbound.end;
    return false;
  },
  filled() {},
};

function wireOver(source: Socket | Handle, inbound: Inbound): Wire {
  if (isHandle(source)) return new Wire(socketOver(source, inbound), inbound, { direct: true, tls: false });
  const adopted = adopt(source, inbound);
  return new Wire(adopted ?? source, inbound, { direct: adopted !== undefined, tls: false });
}

/** One client: its handshake, its requests, its end. */
export class Connection {
  readonly peer: Peer;
  readonly #shared: Shared;
  readonly #onFinished: (connection: Connection) => void;
  readonly #inbound: Inbound;
  readonly #account: Account;
  readonly #negotiation: Negotiation;
  readonly #handshake: Handshake;
  #wire: Wire;
  #entry: Export | undefined;
  #arena: Arena | undefined;
  #outbound: Outbound | undefined;
  #transmission: Transmission | undefined;
  #timer: unknown;
  #leaving = false;
  #isTerminated = false;
  #closed = false;
  #finished = false;
  #reason: string | undefined;
  #progress: Progress | undefined;
  /** No message is taken: a reply of the handshake is on its way, or a request waits. */
  #isHeld = false;
  /** TLS is being agreed on. */
  #isSecuring = false;
  /** Hears of what changes in a pause. */
  #paused: (() => void) | undefined;
  #isMoved = false;

  /**
   * `onFinished` is called once, when the connection is gone and nothing of it runs. With a `state` it goes on from there, or is
   * over if it cannot.
   */
  constructor(
    source: Socket | Handle,
    peer: Peer,
    shared: Shared,
    onFinished: (connection: Connection) => void,
    state?: ClientState,
  ) {
    const { exports, limits, tls, budget, clock } = shared;
    this.peer = peer;
    this.#shared = shared;
    this.#onFinished = onFinished;
    this.#account = budget.open();
    this.#negotiation = new Negotiation(exports, limits.maxRequestBytes, tls?.mode ?? 'none');
    const parser = { parse: () => false, filled: () => {} };
    this.#inbound = new Inbound(parser);
    this.#handshake = this.#makeHandshake();
    this.#inbound.use(this.#handshake);
    this.#wire = wireOver(source, this.#inbound);
    this.#timer = clock.set(() => this.#timeOut(), limits.handshakeTimeoutMs);
    if (state === undefined || state.phase === 'new') {
      this.#start();
      this.#wire.write([greeting()], () => {});
    } else {
      this.#continueFrom(state);
    }
  }

  /** Requests read and not answered. */
  get outstanding(): number {
    return this.#transmission?.outstanding ?? 0;
  }

  /** The export that the client has chosen, if it has. */
  get exportName(): string | undefined {
    return this.#entry?.name;
  }

  /** Whether the client has not chosen its export yet. */
  get isShakingHands(): boolean {
    return this.#transmission === undefined;
  }

  /** Whether the client has left replies untaken, or a message unfinished, and has not moved since `sinceMs`. */
  stalledSince(sinceMs: number): boolean {
    if (this.#isTerminated) return false;
    const outbound = this.#outbound;
    if (outbound !== undefined && outbound.pendingBytes > 0) return outbound.progressAtMs <= sinceMs;
    const { midMessage, receivedBytes } = this.#inbound;
    const request = this.#transmission?.receiving;
    const before = this.#progress;
    const isStill = request === before?.request && receivedBytes - (before?.receivedBytes ?? 0) < PROGRESS_BYTES;
    if (midMessage && before !== undefined && isStill) return before.atMs <= sinceMs;
    this.#progress = midMessage ? { request, receivedBytes, atMs: this.#shared.clock.now() } : undefined;
    return false;
  }

  /** Reads no further, and begins with no further request, until `unpause`. `onChange` hears of what `isQuiet` and `isMovable` tell. */
  pause(onChange: () => void): void {
    this.#paused = onChange;
    if (this.isEnding) return;
    if (!this.#isSecuring) this.#wire.pause();
    this.#transmission?.pause();
    if (this.#outbound !== undefined) this.#outbound.onReply = onChange;
  }

  /** Goes on. The devices of the exports may be others. */
  unpause(): void {
    this.#paused = undefined;
    if (this.#outbound !== undefined) this.#outbound.onReply = undefined;
    if (this.isEnding) return;
    this.#negotiation.continueFrom(this.#negotiation.agreement);
    if (this.#entry !== undefined) {
      this.#entry = this.#shared.exports.find(this.#entry.name) ?? this.#entry;
      this.#transmission?.unpause(this.#makeExecutor(this.#entry));
    }
    if (!this.#isHeld) this.#wire.resume();
  }

  /** While paused: whether no device is needed for what was read. */
  get isQuiet(): boolean {
    const transmission = this.#transmission;
    if (transmission === undefined) return true;
    const held = transmission.isHoldingRequest ? 1 : 0;
    return this.outstanding - (this.#outbound?.pendingReplies ?? 0) - held <= 0;
  }

  /** While paused: whether the client waits for nothing more from this process, so that another can go on. */
  get isMovable(): boolean {
    if (this.isEnding || !this.#wire.isDrained) return false;
    if (this.#outbound === undefined) return !this.#isHeld;
    return this.isQuiet && this.#outbound.pendingBytes === 0;
  }

  /** Whether it ends by itself, and is no client of any other process. */
  get isEnding(): boolean {
    return this.#leaving || this.#closed || this.#isTerminated || this.#isMoved;
  }

  /** While paused: whether its client has taken nothing of what is there since `sinceMs`. */
  hasStoodStillSince(sinceMs: number): boolean {
    return this.#outbound !== undefined && this.#outbound.pendingBytes > 0 && this.#outbound.progressAtMs <= sinceMs;
  }

  /** While it is movable: what another process needs to go on. */
  get state(): ClientState {
    return {
      peer: this.peer,
      phase: this.#transmission === undefined ? 'handshake' : 'transmission',
      clientFlags: this.#handshake.clientFlags,
      agreement: this.#negotiation.agreement,
      export: this.#entry?.name,
      unread: (this.#transmission ?? this.#handshake).unread(),
      skipBytes: this.#inbound.skipBytes,
    };
  }

  get wire(): Wire {
    return this.#wire;
  }

  /** Another process has the client. What is left here is let go of without a word; not the stream of a relay. */
  move(relayed: boolean): void {
    this.#isMoved = true;
    if (!relayed) {
      this.#wire.destroy();
      return;
    }
    this.#wire.leave();
    this.#onClosed(undefined);
  }

  /** Takes no further request, answers those that were read, and hangs up. */
  leave(reason: string): void {
    if (this.#leaving || this.#closed) return;
    this.#leaving = true;
    this.#reason ??= reason;
    if (this.#transmission === undefined) {
      this.#wire.destroy();
      return;
    }
    this.#transmission.stop();
    this.#hangUpIfIdle();
  }

  /** Ends it at once. */
  terminate(reason: string): void {
    this.#isTerminated = true;
    this.#reason ??= reason;
    this.#wire.destroy();
  }

  #start(): void {
    this.#wire.start({
      ended: () => this.leave('the client hung up'),
      closed: (error) => this.#onClosed(error),
    });
  }

  #continueFrom(state: ClientState): void {
    const entry = state.export === undefined ? undefined : this.#shared.exports.find(state.export);
    const isKept =
      this.#negotiation.continueFrom(state.agreement) && (entry !== undefined) === (state.export !== undefined);
    this.#handshake.continueFrom(state.clientFlags);
    this.#inbound.preload(state.unread, state.skipBytes);
    this.#start();
    if (!isKept) {
      this.terminate('what was agreed on with it is no longer served');
      return;
    }
    if (entry !== undefined) this.#transmit(entry);
    this.#wire.resume();
  }

  #makeHandshake(): Handshake {
    const { pace, limits } = this.#shared;
    return new Handshake(this.#inbound, this.#negotiation, limits.maxOptionBytes, {
      // One option in each iteration of the event loop, so that a client that negotiates without end keeps no one waiting.
      send: (message, sent) => pace.later(() => this.#sendOption(message, sent)),
      hold: () => this.#hold(),
      resume: () => this.#resume(),
      startTls: () => this.#startTls(),
      transmit: (entry) => this.#transmit(entry),
      onClose: (reason) => this.terminate(reason),
      onViolation: (message) => this.#violate(message),
    });
  }

  #sendOption(message: Uint8Array, sent: () => void): void {
    if (!this.#closed && !this.#isTerminated) this.#wire.write([message], sent);
  }

  #startTls(): void {
    const { tls } = this.#shared;
    const plain = this.#wire;
    if (tls === undefined || plain.closed) return;
    this.#isSecuring = true;
    tls.upgrade(plain.stream as Socket, (stream) => {
      plain.detach();
      this.#wire = new Wire(stream, this.#inbound, { direct: false, tls: true });
      this.#negotiation.secured();
      this.#inbound.drop();
      this.#isSecuring = false;
      this.#isHeld = false;
      if (this.#paused === undefined) this.#inbound.resume();
      this.#start();
      if (this.#paused === undefined) return;
      this.#wire.pause();
      this.#paused();
    });
  }

  /** Until `#resume` no message is taken. */
  #hold(): void {
    this.#isHeld = true;
    this.#wire.hold();
  }

  #resume(): void {
    this.#isHeld = false;
    if (this.#paused === undefined) this.#wire.resume();
    else this.#paused();
  }

  /** The end of the handshake. */
  #transmit(entry: Export): void {
    const { clock, limits, pool, pace, onEvent } = this.#shared;
    clock.clear(this.#timer);
    const { mode } = this.#negotiation;
    const arena = new Arena(pool, this.#account);
    const outbound = new Outbound(this.#wire, arena, pool, clock, pace, (replies) => {
      transmission.sent(replies);
      this.#paused?.();
    });
    this.#entry = entry;
    this.#arena = arena;
    this.#outbound = outbound;
    const transmission = new Transmission({
      mode,
      terms: this.#terms(entry, this.#negotiation.contextsFor(entry).length > 0),
      inbound: this.#inbound,
      arena,
      account: this.#account,
      executor: this.#makeExecutor(entry),
      pace,
      maxRequests: limits.maxConnectionRequests,
      host: this.#transmissionHost(entry),
    });
    this.#transmission = transmission;
    this.#inbound.use(transmission);
    onEvent({ type: 'opened', peer: this.peer, export: entry.name, tls: this.#negotiation.secure });
    if (this.#paused !== undefined) this.pause(this.#paused);
  }

  #makeExecutor(entry: Export): Executor {
    const { pace, clock, counters } = this.#shared;
    const ofExport = counters.of(entry.name);
    const arena = this.#arena;
    const outbound = this.#outbound;
    if (arena === undefined || outbound === undefined) throw new Error('there is no transmission yet');
    return new Executor({
      entry,
      mode: this.#negotiation.mode,
      contexts: this.#negotiation.contextsFor(entry),
      arena,
      outbound,
      pace,
      clock,
      onTook: (command, durationMs) => ofExport.took(command, durationMs),
      onFailure: (_request, error) => this.#onFailure(entry, error),
      onBroken: (reason) => this.terminate(reason),
    });
  }

  #terms(entry: Export, hasContexts: boolean): Terms {
    const { maxRequestBytes } = this.#shared.limits;
    const { readOnly } = entry;
    const trims = entry.device.info.native.discard;
    const extended = this.#negotiation.mode === 'extended';
    return { sizeBytes: sizeBytesOf(entry), maxRequestBytes, readOnly, trims, extended, hasContexts };
  }

  #transmissionHost({ name }: Export): TransmissionHost {
    const { busyPoll } = this.#shared;
    const counters = this.#shared.counters.of(name);
    return {
      hold: () => this.#hold(),
      resume: () => this.#resume(),
      onRequest: (request) => {
        counters.count(request);
        busyPoll.arrived();
      },
      onLeave: () => this.leave('the client said goodbye'),
      onViolation: (message) => this.#violate(message),
      onIdle: () => {
        this.#hangUpIfIdle();
        this.#finishIfDone();
      },
      onPauseChange: () => this.#paused?.(),
    };
  }

  #onFailure(entry: Export, error: unknown): void {
    this.#shared.counters.of(entry.name).failures++;
    this.#shared.onEvent({ type: 'failed', peer: this.peer, export: entry.name, error });
  }

  #violate(message: string): void {
    this.#shared.counters.violations++;
    this.#wire.hold();
    this.terminate(message);
  }

  #timeOut(): void {
    this.#shared.counters.timedOut++;
    this.terminate('the handshake took too long');
  }

  /** What the client still sends is taken and dropped: a socket closed with unread bytes may take the last replies with it. */
  #hangUpIfIdle(): void {
    if (!this.#leaving || this.#closed || this.outstanding > 0) return;
    const { clock } = this.#shared;
    this.#timer = clock.set(() => this.#wire.destroy(), LINGER_MS);
    this.#inbound.use(DISCARD);
    this.#wire.end();
    this.#wire.resume();
  }

  #onClosed(error: Error | undefined): void {
    const { clock, onEvent } = this.#shared;
    this.#closed = true;
    clock.clear(this.#timer);
    this.#transmission?.close();
    this.#outbound?.close();
    this.#paused?.();
    if (!this.#isMoved)
      onEvent({ type: 'closed', peer: this.peer, reason: this.#reason ?? error?.message ?? 'the client is gone' });
    this.#finishIfDone();
  }

  #finishIfDone(): void {
    if (!this.#closed || this.#finished || this.outstanding > 0) return;
    this.#finished = true;
    this.#onFinished(this);
  }
}
