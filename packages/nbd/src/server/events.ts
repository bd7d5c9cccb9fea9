import type { BlockError } from '@blockyard/block';

/** Who is on the other side of a connection. */
export interface Peer {
  /** Counts up from 1. */
  readonly connection: number;
  /** `address:port`, or `unix`. */
  readonly address: string;
}

/** What happens on a server. Texts that come from clients are as they came: escape them before they reach a log. */
export type ServerEvent =
  /** A client connected. */
  | { readonly type: 'connected'; readonly peer: Peer }
  /** A client was handed over by another process. */
  | { readonly type: 'adopted'; readonly peer: Peer }
  /** A client was refused: there are as many connections as there may be. */
  | { readonly type: 'refused'; readonly address: string }
  /** A client has chosen its export. */
  | { readonly type: 'opened'; readonly peer: Peer; readonly export: string; readonly tls: boolean }
  /** A connection is over. */
  | { readonly type: 'closed'; readonly peer: Peer; readonly reason: string }
  /** A device failed a request. */
  | { readonly type: 'failed'; readonly peer: Peer; readonly export: string; readonly error: unknown }
  /** Another process has the clients, which waited for so long, in milliseconds. */
  | { readonly type: 'handedOver'; readonly connections: number; readonly pausedMs: number }
  /** The end has begun. */
  | { readonly type: 'stopping'; readonly connections: number }
  /** What was accepted for an export could not be made durable. */
  | { readonly type: 'lost'; readonly exports: readonly string[]; readonly error: BlockError };
