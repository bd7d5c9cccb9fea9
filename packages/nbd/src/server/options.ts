import {
  type BlockDevice,
  BlockError,
  type Clock,
  checkBoolean,
  checkClock,
  checkFunction,
  checkInteger,
  checkOptionNames,
  type KnownOptions,
} from '@blockyard/block';
import type { ServerEvent } from './events.js';
import type { ExportOptions } from './exports/exports.js';
import { RESERVE_BYTES_MIN } from './memory/budget.js';
import type { TlsOptions } from './tls.js';

/** Where to listen. */
export type Listen =
  /** A Unix socket, made with mode 0600. A file that is no socket, or one that someone answers on, is left alone. */
  | { readonly path: string }
  /** TCP. Default host: 127.0.0.1. Port 0: any free one. Default port: 10809. */
  | { readonly host?: string; readonly port?: number }
  /**
   * A socket that listens already, which the process was given, as by socket activation; for a Unix socket also its name, which no
   * descriptor tells. That is not removed at the end.
   */
  | { readonly fd: number; readonly path?: string };

/** Bounds of a server. All are whole numbers; times are milliseconds. */
export interface Limits {
  /** Until a client has chosen its export, TLS included. Default: 10,000. */
  readonly handshakeTimeoutMs: number;
  /**
   * Connections at once. One more takes the place of the oldest that has not chosen its export yet, or is closed as it comes. Default:
   * 100.
   */
  readonly maxConnections: number;
  /** Memory for requests and replies of all clients, in bytes, at least 512 KiB for each. Default: 512 MiB. */
  readonly maxInFlightBytes: number;
  /** The same for one connection. Default: 64 MiB. */
  readonly maxConnectionBytes: number;
  /** Requests read and not answered on one connection. Default: 256. */
  readonly maxConnectionRequests: number;
  /** Longest read or write, in bytes: a power of two from 64 KiB to 64 MiB. Default: 32 MiB. */
  readonly maxRequestBytes: number;
  /** Data of one option of the handshake, in bytes. Default: 64 KiB. */
  readonly maxOptionBytes: number;
  /**
   * A client that neither sends 256 KiB of its payload nor takes a batch of replies (4 MiB at most) for so long is cut off when others
   * are short of the memory it holds, or of a place. Default: 30,000.
   */
  readonly stallTimeoutMs: number;
  /** How long `stop` waits for requests in flight, and for clients to take their replies, before it terminates them. Default: 10,000. */
  readonly stopTimeoutMs: number;
  /**
   * How long, in microseconds, the server looks for the next request before it sleeps, while clients are quick to send one.
   * Costs processor time, saves the time it takes to wake up. 0: not at all. Default: 50.
   */
  readonly busyPollUs: number;
}

/** What to serve, where, and within which bounds; for {@link serveNbd}. */
export interface ServeOptions {
  /** Devices by export name. */
  readonly exports: Readonly<Record<string, BlockDevice | ExportOptions>>;
  /** Name of the export that the empty name means. Default: the only one, if there is one alone. */
  readonly default?: string;
  readonly listen: Listen;
  /** Default: no TLS. */
  readonly tls?: TlsOptions;
  readonly limits?: Partial<Limits>;
  /** Whether `stop` disconnects the devices, rather than flushes them. Default: false. */
  readonly ownsDevices?: boolean;
  /** Hears what happens. Must not throw. */
  readonly onEvent?: (event: ServerEvent) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

const MEBI = 1024 * 1024;

/** The bounds of a server that is given no others. */
export const DEFAULT_LIMITS: Limits = {
  handshakeTimeoutMs: 10_000,
  maxConnections: 100,
  maxInFlightBytes: 512 * MEBI,
  maxConnectionBytes: 64 * MEBI,
  maxConnectionRequests: 256,
  maxRequestBytes: 32 * MEBI,
  maxOptionBytes: 65_536,
  stallTimeoutMs: 30_000,
  stopTimeoutMs: 10_000,
  busyPollUs: 50,
};

const LIMITS: KnownOptions<Limits> = {
  handshakeTimeoutMs: true,
  maxConnections: true,
  maxInFlightBytes: true,
  maxConnectionBytes: true,
  maxConnectionRequests: true,
  maxRequestBytes: true,
  maxOptionBytes: true,
  stallTimeoutMs: true,
  stopTimeoutMs: true,
  busyPollUs: true,
};

/** Timers take no longer times. */
const TIME_MS_MAX = 2 ** 31 - 1;
const REQUEST_BYTES_MIN = 65_536;
const REQUEST_BYTES_MAX = 64 * MEBI;
/** A slab of small requests, or the smallest request that must be taken. */
const CONNECTION_BYTES_MIN = 256 * 1024;

/** The limits with their defaults, or `INVALID_ARGUMENT`. */
export function checkLimits(limits: Partial<Limits> = {}): Limits {
  checkOptionNames(limits, LIMITS, 'limits');
  const checked = { ...DEFAULT_LIMITS, ...limits };
  for (const [name, value] of Object.entries(checked)) checkInteger(value, name);
  for (const name of ['handshakeTimeoutMs', 'stallTimeoutMs', 'stopTimeoutMs'] as const) {
    if (checked[name] > TIME_MS_MAX) throw invalid(`${name} must be at most ${TIME_MS_MAX}, not ${checked[name]}`);
  }
  const { maxRequestBytes, maxConnectionBytes, maxInFlightBytes, maxConnections, maxConnectionRequests } = checked;
  const inBounds = maxRequestBytes >= REQUEST_BYTES_MIN && maxRequestBytes <= REQUEST_BYTES_MAX;
  if (!inBounds || !Number.isInteger(Math.log2(maxRequestBytes))) {
    throw invalid(`maxRequestBytes must be a power of two from 64 KiB to 64 MiB, not ${maxRequestBytes}`);
  }
  if (maxConnectionBytes < Math.max(maxRequestBytes, CONNECTION_BYTES_MIN)) {
    throw invalid(
      `maxConnectionBytes must hold the longest request and be at least 256 KiB, not ${maxConnectionBytes}`,
    );
  }
  if (maxInFlightBytes < 2 * maxConnectionBytes) {
    throw invalid(`maxInFlightBytes must be at least twice maxConnectionBytes, not ${maxInFlightBytes}`);
  }
  if (maxConnections < 1 || maxConnectionRequests < 1)
    throw invalid('a server takes at least one connection and request');
  if (maxInFlightBytes < 2 * RESERVE_BYTES_MIN * maxConnections) {
    throw invalid(`maxInFlightBytes must be at least 512 KiB for each of maxConnections, not ${maxInFlightBytes}`);
  }
  return checked;
}

/** The options, but for those that are made into something else, or `INVALID_ARGUMENT`. */
export function checkServeOptions(options: ServeOptions): void {
  checkOptionNames(options, SERVE_OPTIONS);
  const { exports, listen, ownsDevices } = options;
  if (typeof exports !== 'object' || exports === null) throw invalid('exports must be an object of devices by name');
  if (typeof listen !== 'object' || listen === null)
    throw invalid('listen must be { path }, { host, port } or { fd, path }');
  if ('fd' in listen) checkInteger(listen.fd, 'listen.fd');
  if (ownsDevices !== undefined) checkBoolean(ownsDevices, 'ownsDevices');
  checkSurroundings(options);
}

/** Those that say where a server is, wherever its devices and clients come from. */
export function checkSurroundings({ onEvent, clock }: Pick<ServeOptions, 'onEvent' | 'clock'>): void {
  if (onEvent !== undefined) checkFunction(onEvent, 'onEvent');
  if (clock !== undefined) checkClock(clock);
}

/** A list that does not compile when an option is missing from it. */
const SERVE_OPTIONS: KnownOptions<ServeOptions> = {
  exports: true,
  default: true,
  listen: true,
  tls: true,
  limits: true,
  ownsDevices: true,
  onEvent: true,
  clock: true,
};

function invalid(message: string): BlockError {
  return new BlockError('INVALID_ARGUMENT', message);
}
