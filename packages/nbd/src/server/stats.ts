import { Command } from '../wire/protocol.js';
import type { Request } from './transmission/request.js';

/** What a server has done so far, and what it holds now. */
export interface ServerStats {
  readonly connections: {
    readonly open: number;
    readonly accepted: number;
    /** Turned away because of `maxConnections`. */
    readonly refused: number;
    /** Cut off in the handshake, in favour of one that came when there were `maxConnections`. */
    readonly displaced: number;
    /** Cut off for what they sent. */
    readonly violations: number;
    /** Cut off because the handshake took too long. */
    readonly timedOut: number;
    /** Cut off while they stood still and others were short of what they held. */
    readonly stalled: number;
  };
  /** Requests by kind. */
  readonly requests: Readonly<Record<RequestKind, number>>;
  /** Requests refused before they were carried out are not among them. */
  readonly failures: number;
  /** Bytes that clients asked to read, and to write, by those requests. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Requests read and not answered. */
  readonly requestsInFlight: number;
  /** Memory for requests and replies, and memory kept for the next ones, in bytes. */
  readonly inFlightBytes: number;
  readonly pooledBytes: number;
}

export type RequestKind = 'read' | 'write' | 'flush' | 'trim' | 'cache' | 'writeZeroes' | 'blockStatus' | 'unknown';

const KINDS: Readonly<Record<number, RequestKind | undefined>> = {
  [Command.READ]: 'read',
  [Command.WRITE]: 'write',
  [Command.FLUSH]: 'flush',
  [Command.TRIM]: 'trim',
  [Command.CACHE]: 'cache',
  [Command.WRITE_ZEROES]: 'writeZeroes',
  [Command.BLOCK_STATUS]: 'blockStatus',
};

/** Counts. */
export class Counters {
  accepted = 0;
  refused = 0;
  displaced = 0;
  violations = 0;
  timedOut = 0;
  stalled = 0;
  failures = 0;
  readBytes = 0;
  writtenBytes = 0;
  readonly requests: Record<RequestKind, number> = {
    read: 0,
    write: 0,
    flush: 0,
    trim: 0,
    cache: 0,
    writeZeroes: 0,
    blockStatus: 0,
    unknown: 0,
  };

  count({ command, lengthBytes = 0 }: Request): void {
    this.requests[KINDS[command] ?? 'unknown']++;
    if (command === Command.READ) this.readBytes += lengthBytes;
    if (command === Command.WRITE) this.writtenBytes += lengthBytes;
  }
}
