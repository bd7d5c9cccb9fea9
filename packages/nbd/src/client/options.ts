import {
  type Clock,
  checkBoolean,
  checkClock,
  checkFunction,
  checkIntegerBetween,
  checkOptionNames,
  checkSectorSize,
  type KnownOptions,
  TIMER_MS_MAX,
} from '@blockyard/block';

/** Who the client is, and whom it believes. */
export interface ClientTls {
  /** PEM of the authority that the server's certificate must come from. Default: those that the system trusts. */
  readonly ca?: string | Uint8Array;
  /** PEM of the client's own certificate and key, where the server asks for them. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** A pre-shared key, instead of certificates. */
  readonly psk?: { readonly identity: string; readonly key: Uint8Array };
  /** The name that the server's certificate must have. Default: the host; `localhost` for a Unix socket. */
  readonly hostname?: string;
}

/** How to use an export; for {@link connectNbd}. */
export interface NbdOptions {
  /**
   * Bytes in a sector: a power of two from 512 to 65,536, no less than the server's smallest block. Default: that block, or 512
   * if it is smaller.
   */
  readonly sectorSize?: number;
  /** Refuse every change, whatever the server allows. Default: false. */
  readonly readOnly?: boolean;
  /** Connections to share the work, where the server says that they see one another's writes. 1 to 16. Default: 4. */
  readonly connections?: number;
  /** Requests in flight on one connection. 1 to 1024. Default: 64. */
  readonly maxConnectionRequests?: number;
  /** How long a connection and its handshake may take, in milliseconds. Default: 10,000. */
  readonly connectTimeoutMs?: number;
  /**
   * A connection on which a request waits and nothing moves for so long counts as lost, in milliseconds. 0: wait for ever.
   * Default: 60,000.
   */
  readonly silenceTimeoutMs?: number;
  /** How long requests wait for a lost server to come back before they fail, in milliseconds. 0: not at all. Default: 60,000. */
  readonly maxOutageMs?: number;
  /**
   * Whether a server that comes back may be believed to still have what it had answered but not flushed. By default only one that
   * proves it is believed (see the README); after any other, `flush` fails with `FLUSH_FAILED` where something may be lost.
   */
  readonly assumeSameServer?: boolean;
  /** Whether to write to a server that offers no flush. `flush` then promises nothing. Default: false. */
  readonly unsafeNoFlush?: boolean;
  /** TLS. The URI's scheme `nbds` asks for it too. */
  readonly tls?: ClientTls;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Spreads attempts to reconnect: a number from 0 to 1. Default: `Math.random`. */
  readonly random?: () => number;
}

/** What of the options a channel needs, all of it there. */
export interface ClientLimits {
  readonly connections: number;
  readonly maxConnectionRequests: number;
  readonly connectTimeoutMs: number;
  readonly silenceTimeoutMs: number;
  readonly maxOutageMs: number;
}

const BOUNDS: Readonly<Record<keyof ClientLimits, readonly [number, number, number]>> = {
  connections: [1, 16, 4],
  maxConnectionRequests: [1, 1024, 64],
  connectTimeoutMs: [1, TIMER_MS_MAX, 10_000],
  silenceTimeoutMs: [0, TIMER_MS_MAX, 60_000],
  maxOutageMs: [0, TIMER_MS_MAX, 60_000],
};

const KNOWN: KnownOptions<NbdOptions> = {
  sectorSize: true,
  readOnly: true,
  connections: true,
  maxConnectionRequests: true,
  connectTimeoutMs: true,
  silenceTimeoutMs: true,
  maxOutageMs: true,
  assumeSameServer: true,
  unsafeNoFlush: true,
  tls: true,
  clock: true,
  random: true,
};

const KNOWN_TLS: KnownOptions<ClientTls> = { ca: true, cert: true, key: true, psk: true, hostname: true };

/** The limits with their defaults, or `INVALID_ARGUMENT`. */
export function checkOptions(options: NbdOptions): ClientLimits {
  checkOptionNames(options, KNOWN);
  const { sectorSize, tls, clock, random } = options;
  if (sectorSize !== undefined) checkSectorSize(sectorSize);
  for (const name of ['readOnly', 'assumeSameServer', 'unsafeNoFlush'] as const) {
    if (options[name] !== undefined) checkBoolean(options[name], name);
  }
  if (tls !== undefined) checkOptionNames(tls, KNOWN_TLS, 'tls');
  if (clock !== undefined) checkClock(clock);
  if (random !== undefined) checkFunction(random, 'random');
  return {
    connections: checked(options, 'connections'),
    maxConnectionRequests: checked(options, 'maxConnectionRequests'),
    connectTimeoutMs: checked(options, 'connectTimeoutMs'),
    silenceTimeoutMs: checked(options, 'silenceTimeoutMs'),
    maxOutageMs: checked(options, 'maxOutageMs'),
  };
}

function checked(options: NbdOptions, name: keyof ClientLimits): number {
  const [min, max, preset] = BOUNDS[name];
  const value = options[name] ?? preset;
  checkIntegerBetween(value, name, min, max);
  return value;
}
