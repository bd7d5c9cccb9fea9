import type { BlockErrorCode } from '@blockyard/block';
import type { ExportFacts } from '../exports/exports.js';
import type { Agreement } from '../negotiation/negotiation.js';

/** Of the messages between the two processes, which may be of different releases. */
export const HAND_OVER_VERSION = 3;

/** A connection, as the process needs it that goes on with it. */
export interface ClientState {
  readonly peer: { readonly connection: number; readonly address: string };
  /** `new`: the server has said nothing yet. */
  readonly phase: 'new' | 'handshake' | 'transmission';
  /** In the handshake: what the client said of itself, once it did. */
  readonly clientFlags: number | undefined;
  readonly agreement: Agreement;
  /** Name of the export that the client has chosen. */
  readonly export: string | undefined;
  /** What has arrived and was not taken: from the beginning of a message on, and then whatever came. */
  readonly unread: Uint8Array;
  /** Bytes to drop behind that, the payload of a request that was refused. */
  readonly skipBytes: number;
}

/** Where a server listens, and what a Unix socket's name leads to: it is removed at the end if it still does. */
export interface Place {
  readonly address: { readonly path: string } | { readonly host: string; readonly port: number };
  readonly inode: Inode | undefined;
  /** Whether the socket was made by another program, which keeps it: then it has no name that is removed. Left out: no. */
  readonly isGiven?: boolean;
}

export interface Inode {
  readonly dev: number;
  readonly ino: number;
}

/** From the process that has the clients to the one that is to have them. */
export type ToSuccessor =
  /** What is handed over. Serving goes on meanwhile. */
  | { readonly type: 'begin'; readonly place: Place; readonly exports: readonly ExportFacts[] }
  /** What can be done beforehand for the devices to be opened soon is done. */
  | { readonly type: 'catchUp' }
  /** A client, with its socket. Some come after `go`: those that were slow to take their replies. */
  | { readonly type: 'client'; readonly state: ClientState }
  /**
   * All that clients were told is durable, and no one is told anything more. The devices are being disconnected: if this process dies
   * from now on, they can be opened as well.
   */
  | { readonly type: 'release' }
  /** The devices can be opened. */
  | { readonly type: 'open' }
  /** From now on the clients are the successor's. */
  | { readonly type: 'go' }
  /** There is nothing more to come. Before `begin`: it was only tried out. */
  | { readonly type: 'end' };

export type ToPredecessor =
  /** It has loaded what it needs. */
  | { readonly type: 'ready'; readonly version: number }
  /** It has read of the devices what it can. */
  | { readonly type: 'caughtUp' }
  /** It has the devices, and can keep to what clients were told. */
  | { readonly type: 'opened' }
  /** It has the clients: sent before it reads the first byte of them. */
  | { readonly type: 'taken' }
  /** It serves them, and listens: it needs no one any longer who would go on in its place. */
  | { readonly type: 'serving' }
  /** It cannot. */
  | { readonly type: 'failed'; readonly code: BlockErrorCode; readonly message: string };
