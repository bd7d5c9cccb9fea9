import type { Inbound } from '../wire/inbound.js';
import type { Wire } from '../wire/wire.js';
import type { Peer } from './events.js';
import { type Export, sizeBytesOf } from './exports/exports.js';
import { Arena } from './memory/arena.js';
import type { Account } from './memory/budget.js';
import type { Negotiation } from './negotiation/negotiation.js';
import type { Shared } from './shared.js';
import type { Terms } from './transmission/check.js';
import { Executor } from './transmission/executor.js';
import { Outbound, type OutboundHost } from './transmission/outbound.js';
import type { Request } from './transmission/request.js';
import { Timing } from './transmission/timing.js';
import { Transmission, type TransmissionHost } from './transmission/transmission.js';

export interface SessionParts {
  readonly peer: Peer;
  readonly shared: Shared;
  readonly wire: Wire;
  readonly inbound: Inbound;
  readonly account: Account;
  readonly negotiation: Negotiation;
}

export interface SessionHost extends Omit<TransmissionHost, 'onRequest'> {
  /** A reply cannot be gone on with: the connection has to end. */
  onBroken(reason: string): void;
}

/** What serves one client the export that it has chosen: takes its requests, has them carried out, and sends the replies. */
export class Session {
  readonly #parts: SessionParts;
  readonly #host: SessionHost;
  readonly #arena: Arena;
  readonly #outbound: Outbound;
  readonly #timing: Timing;
  readonly #transmission: Transmission;
  #entry: Export;

  constructor(entry: Export, parts: SessionParts, host: SessionHost) {
    const { shared, wire, inbound, account, negotiation } = parts;
    const { clock, limits, pool, pace } = shared;
    this.#entry = entry;
    this.#parts = parts;
    this.#host = host;
    this.#arena = new Arena(pool, account);
    const ofExport = shared.counters.of(entry.name);
    this.#timing = new Timing(clock, (command, durationMs, count) => ofExport.took(command, durationMs, count));
    this.#outbound = new Outbound(wire, this.#arena, pool, clock, pace, this.#outboundHost());
    this.#transmission = new Transmission({
      mode: negotiation.mode,
      terms: this.#terms(),
      inbound,
      arena: this.#arena,
      account,
      executor: this.#makeExecutor(),
      pace,
      maxRequests: limits.maxConnectionRequests,
      host: this.#transmissionHost(),
    });
    inbound.use(this.#transmission);
  }

  get exportName(): string {
    return this.#entry.name;
  }

  /** Requests read and not answered. */
  get outstanding(): number {
    return this.#transmission.outstanding;
  }

  /** The request whose payload is on the way, if any. */
  get receiving(): Request | undefined {
    return this.#transmission.receiving;
  }

  /** Replies that the system has not taken, in bytes. */
  get pendingBytes(): number {
    return this.#outbound.pendingBytes;
  }

  /** Whether there are such replies, and the client has taken nothing since `sinceMs`. */
  hasStoodStillSince(sinceMs: number): boolean {
    return this.#outbound.pendingBytes > 0 && this.#outbound.progressAtMs <= sinceMs;
  }

  /** While paused: whether no device is needed for what was read. */
  get isQuiet(): boolean {
    const held = this.#transmission.isHoldingRequest ? 1 : 0;
    return this.outstanding - this.#outbound.pendingReplies - held <= 0;
  }

  /** Begins with no further request until `unpause`. `onChange` hears of what `isQuiet` tells. */
  pause(onChange: () => void): void {
    this.#transmission.pause();
    this.#outbound.onReply = onChange;
  }

  /** Goes on. The device of the export may be another one. */
  unpause(): void {
    this.#entry = this.#parts.shared.exports.find(this.#entry.name) ?? this.#entry;
    this.#transmission.unpause(this.#makeExecutor());
  }

  /** Hears of nothing any longer that changes in a pause. */
  forgetPause(): void {
    this.#outbound.onReply = undefined;
  }

  /** While paused: what was read of requests that are not begun with. */
  unread(): Uint8Array {
    return this.#transmission.unread();
  }

  /** Takes no further request. */
  stop(): void {
    this.#transmission.stop();
  }

  /** The client is gone. */
  close(): void {
    this.#transmission.close();
    this.#outbound.close();
  }

  #makeExecutor(): Executor {
    const entry = this.#entry;
    const { peer, negotiation, shared } = this.#parts;
    const { pace, counters, onEvent } = shared;
    const ofExport = counters.of(entry.name);
    return new Executor({
      entry,
      mode: negotiation.mode,
      contexts: negotiation.contextsFor(entry),
      arena: this.#arena,
      outbound: this.#outbound,
      pace,
      timing: this.#timing,
      onFailure: (_request, error) => {
        ofExport.failures++;
        onEvent({ type: 'failed', peer, export: entry.name, error });
      },
      onBroken: (reason) => this.#host.onBroken(reason),
    });
  }

  #terms(): Terms {
    const { negotiation, shared } = this.#parts;
    const { readOnly, device } = this.#entry;
    return {
      sizeBytes: sizeBytesOf(this.#entry),
      maxRequestBytes: shared.limits.maxRequestBytes,
      readOnly,
      trims: device.info.native.discard,
      extended: negotiation.mode === 'extended',
      hasContexts: negotiation.contextsFor(this.#entry).length > 0,
    };
  }

  #outboundHost(): OutboundHost {
    const outstanding = () => this.#transmission.outstanding;
    return {
      get outstanding() {
        return outstanding();
      },
      onReady: (nowMs) => this.#timing.over(nowMs),
      onSent: (replies) => {
        this.#transmission.sent(replies);
        this.#host.onPauseChange();
      },
    };
  }

  #transmissionHost(): TransmissionHost {
    const { busyPoll, counters } = this.#parts.shared;
    const ofExport = counters.of(this.#entry.name);
    return {
      hold: () => this.#host.hold(),
      resume: () => this.#host.resume(),
      onRequest: (request) => {
        ofExport.count(request);
        busyPoll.arrived();
      },
      onLeave: () => this.#host.onLeave(),
      onViolation: (message) => this.#host.onViolation(message),
      onIdle: () => this.#host.onIdle(),
      onPauseChange: () => this.#host.onPauseChange(),
    };
  }
}
