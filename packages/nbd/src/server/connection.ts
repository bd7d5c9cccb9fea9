import type { Socket } from 'node:net';
import { DISCARD, Inbound } from '../wire/inbound.js';
import { type Handle, Wire } from '../wire/wire.js';
import type { Peer } from './events.js';
import type { Export } from './exports/exports.js';
import type { ClientState } from './hand-over/messages.js';
import type { Account } from './memory/budget.js';
import { greeting, Handshake } from './negotiation/handshake.js';
import { Negotiation } from './negotiation/negotiation.js';
import { Session } from './session.js';
import type { Shared } from './shared.js';
import type { Request } from './transmission/request.js';

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
  /** Once the handshake is over. */
  #session: Session | undefined;
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
    this.#wire = Wire.over(source, this.#inbound);
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
    return this.#session?.outstanding ?? 0;
  }

  /** The export that the client has chosen, if it has. */
  get exportName(): string | undefined {
    return this.#session?.exportName;
  }

  /** Whether the client has not chosen its export yet. */
  get isShakingHands(): boolean {
    return this.#session === undefined;
  }

  /** Whether the client has left replies untaken, or a message unfinished, and has not moved since `sinceMs`. */
  stalledSince(sinceMs: number): boolean {
    if (this.#isTerminated) return false;
    const session = this.#session;
    if (session !== undefined && session.pendingBytes > 0) return session.hasStoodStillSince(sinceMs);
    const { midMessage, receivedBytes } = this.#inbound;
    const request = session?.receiving;
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
    this.#session?.pause(onChange);
  }

  /** Goes on. The devices of the exports may be others. */
  unpause(): void {
    this.#paused = undefined;
    this.#session?.forgetPause();
    if (this.isEnding) return;
    this.#negotiation.continueFrom(this.#negotiation.agreement);
    this.#session?.unpause();
    if (!this.#isHeld) this.#wire.resume();
  }

  /** While paused: whether no device is needed for what was read. */
  get isQuiet(): boolean {
    return this.#session?.isQuiet ?? true;
  }

  /** While paused: whether the client waits for nothing more from this process, so that another can go on. */
  get isMovable(): boolean {
    if (this.isEnding || !this.#wire.isDrained) return false;
    if (this.#session === undefined) return !this.#isHeld;
    return this.#session.isQuiet && this.#session.pendingBytes === 0;
  }

  /** Whether it ends by itself, and is no client of any other process. */
  get isEnding(): boolean {
    return this.#leaving || this.#closed || this.#isTerminated || this.#isMoved;
  }

  /** While paused: whether its client has taken nothing of what is there since `sinceMs`. */
  hasStoodStillSince(sinceMs: number): boolean {
    return this.#session?.hasStoodStillSince(sinceMs) ?? false;
  }

  /** While it is movable: what another process needs to go on. */
  get state(): ClientState {
    return {
      peer: this.peer,
      phase: this.#session === undefined ? 'handshake' : 'transmission',
      clientFlags: this.#handshake.clientFlags,
      agreement: this.#negotiation.agreement,
      export: this.exportName,
      unread: (this.#session ?? this.#handshake).unread(),
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
    if (this.#session === undefined) {
      this.#wire.destroy();
      return;
    }
    this.#session.stop();
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
    const { clock, onEvent } = this.#shared;
    clock.clear(this.#timer);
    const parts = {
      peer: this.peer,
      shared: this.#shared,
      wire: this.#wire,
      inbound: this.#inbound,
      account: this.#account,
      negotiation: this.#negotiation,
    };
    this.#session = new Session(entry, parts, {
      hold: () => this.#hold(),
      resume: () => this.#resume(),
      onLeave: () => this.leave('the client said goodbye'),
      onViolation: (message) => this.#violate(message),
      onBroken: (reason) => this.terminate(reason),
      onIdle: () => {
        this.#hangUpIfIdle();
        this.#finishIfDone();
      },
      onPauseChange: () => this.#paused?.(),
    });
    onEvent({ type: 'opened', peer: this.peer, export: entry.name, tls: this.#negotiation.secure });
    if (this.#paused !== undefined) this.pause(this.#paused);
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
    this.#session?.close();
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
