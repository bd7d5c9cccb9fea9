import { type DurationCounts, durationsOf, Histogram } from '@blockyard/block';
import { Command } from '../wire/protocol.js';
import { kindOf, type RequestKind } from './transmission/kind.js';
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
  /** To another process: whether one is under way, and how many have failed. Those that were only tried out do not count. */
  readonly handOvers: { readonly isUnderWay: boolean; readonly failed: number };
  /** Of all exports together. */
  readonly requests: RequestCounts;
  readonly failures: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** By export name. */
  readonly exports: Readonly<Record<string, ExportStats>>;
  /** Requests read and not answered. */
  readonly requestsInFlight: number;
  /** Memory for requests and replies, and memory kept for the next ones, in bytes. */
  readonly inFlightBytes: number;
  readonly pooledBytes: number;
}

/** Requests by kind. */
export type RequestCounts = Readonly<Record<RequestKind, number>>;

/** What clients asked of one export. */
export interface ExportStats {
  /** Clients that have chosen it and are connected. */
  readonly connections: number;
  /** Requests read and not answered. */
  readonly requestsInFlight: number;
  readonly requests: RequestCounts;
  /** Requests that its device failed; those refused before they were carried out are not among them. */
  readonly failures: number;
  /** Bytes that clients asked to read, and to write, by those requests. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  /**
   * How long requests took, the failed ones too: from when a request is there with its payload and has its memory, until its
   * reply is ready to be sent. Requests that come together begin at the first of them, and replies that become ready in one
   * callback of the event loop are ready when it is over. Refused ones are not among them. Kinds that had no request are left out.
   */
  readonly durations: Readonly<Partial<Record<RequestKind, DurationCounts>>>;
}

const NO_REQUESTS: RequestCounts = {
  read: 0,
  write: 0,
  flush: 0,
  trim: 0,
  cache: 0,
  writeZeroes: 0,
  blockStatus: 0,
  unknown: 0,
};

/** Counts of one export. */
export class ExportCounters {
  failures = 0;
  readBytes = 0;
  writtenBytes = 0;
  readonly requests: Record<RequestKind, number> = { ...NO_REQUESTS };
  /** Microseconds; some kilobytes for each kind that there is. */
  readonly #durations: Partial<Record<RequestKind, Histogram>> = {};

  count({ command, lengthBytes = 0 }: Request): void {
    this.requests[kindOf(command)]++;
    if (command === Command.READ) this.readBytes += lengthBytes;
    if (command === Command.WRITE) this.writtenBytes += lengthBytes;
  }

  /** So many requests were carried out. */
  took(command: number, durationMs: number, count: number): void {
    const kind = kindOf(command);
    this.#durations[kind] ??= new Histogram();
    this.#durations[kind].add(durationMs * 1000, count);
  }

  stats(now: Pick<ExportStats, 'connections' | 'requestsInFlight'>): ExportStats {
    const { requests, failures, readBytes, writtenBytes } = this;
    const durations = Object.entries(this.#durations).map(([kind, each]) => [kind, durationsOf(each)] as const);
    return {
      ...now,
      requests: { ...requests },
      failures,
      readBytes,
      writtenBytes,
      durations: Object.fromEntries(durations),
    };
  }
}

/** Counts. */
export class Counters {
  accepted = 0;
  refused = 0;
  displaced = 0;
  violations = 0;
  timedOut = 0;
  stalled = 0;
  failedHandOvers = 0;
  readonly #exports = new Map<string, ExportCounters>();

  /** Those of an export of the server. */
  of(name: string): ExportCounters {
    let counters = this.#exports.get(name);
    if (counters === undefined) {
      counters = new ExportCounters();
      this.#exports.set(name, counters);
    }
    return counters;
  }
}

/** The sums of what was asked of several exports. */
export function totalOf(
  exports: readonly ExportStats[],
): Pick<ServerStats, 'requests' | 'failures' | 'readBytes' | 'writtenBytes'> {
  const sum = (of: (stats: ExportStats) => number) => exports.reduce((total, stats) => total + of(stats), 0);
  const kinds = Object.keys(NO_REQUESTS) as RequestKind[];
  return {
    requests: Object.fromEntries(kinds.map((kind) => [kind, sum(({ requests }) => requests[kind])])) as RequestCounts,
    failures: sum(({ failures }) => failures),
    readBytes: sum(({ readBytes }) => readBytes),
    writtenBytes: sum(({ writtenBytes }) => writtenBytes),
  };
}
