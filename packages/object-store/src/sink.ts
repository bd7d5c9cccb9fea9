import type { ObjectVersion } from './version.js';

/** Bytes of an object: `lengthBytes` from `offset` on. */
export interface ByteRange {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** Takes the bytes of an object as they come. */
export interface Sink {
  /** The next bytes, in a buffer that is the store's. */
  push(piece: Uint8Array): void;
  /** All bytes have come. */
  end(): void;
}

/**
 * Says where the bytes of an object go, once it is known which version they are of. Undefined: nowhere, the version is all that
 * is wanted. Called again when a request is repeated.
 */
export type OpenSink = (version: ObjectVersion) => Sink | undefined;
