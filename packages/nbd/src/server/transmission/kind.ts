import { Command } from '../../wire/protocol.js';

/** What a client can ask for, as counters call it. `unknown`: a command that the protocol does not have. */
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

export function kindOf(command: number): RequestKind {
  return KINDS[command] ?? 'unknown';
}
