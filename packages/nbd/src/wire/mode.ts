import { EXTENDED_REQUEST_BYTES, REQUEST_BYTES } from './protocol.js';

/** How requests and replies of a connection look, as negotiated. */
export type Mode = 'simple' | 'structured' | 'extended';

/** Length of a request's header. */
export function requestHeaderBytes(mode: Mode): number {
  return mode === 'extended' ? EXTENDED_REQUEST_BYTES : REQUEST_BYTES;
}
