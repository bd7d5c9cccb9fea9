import { Command, CommandFlag, Errno } from '../../wire/protocol.js';
import { pastEndErrno } from './errno.js';
import type { Request } from './request.js';

/** What is fixed for a connection when its transmission begins. */
export interface Terms {
  readonly sizeBytes: number;
  /** Largest payload of a WRITE or READ. */
  readonly maxRequestBytes: number;
  readonly readOnly: boolean;
  readonly trims: boolean;
  readonly extended: boolean;
  /** Whether a meta context was selected, without which there is no block status. */
  readonly hasContexts: boolean;
}

interface Rule {
  readonly flags: number;
  /** Changes the export. */
  readonly changes: boolean;
  /** Names a range. */
  readonly ranged: boolean;
  /** Carries data, one way or the other. */
  readonly hasData: boolean;
}

const { FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO, PAYLOAD_LEN } = CommandFlag;

/** FUA may come with any command, and means nothing where nothing is written. */
const RULES: Readonly<Record<number, Rule | undefined>> = {
  [Command.READ]: { flags: FUA | DF, changes: false, ranged: true, hasData: true },
  [Command.WRITE]: { flags: FUA, changes: true, ranged: true, hasData: true },
  [Command.FLUSH]: { flags: FUA, changes: false, ranged: false, hasData: false },
  [Command.TRIM]: { flags: FUA, changes: true, ranged: true, hasData: false },
  [Command.CACHE]: { flags: FUA, changes: false, ranged: true, hasData: false },
  [Command.WRITE_ZEROES]: { flags: FUA | NO_HOLE | FAST_ZERO, changes: true, ranged: true, hasData: false },
  [Command.BLOCK_STATUS]: { flags: FUA | REQ_ONE, changes: false, ranged: true, hasData: false },
};

/** The errno that a request is refused with before anything is done, or 0. */
export function check(request: Request, terms: Terms): number {
  const { command } = request;
  const rule = RULES[command];
  if (rule === undefined || !isOffered(command, terms)) return Errno.EINVAL;
  // The one command with a payload must say so where the headers can, and no other may.
  const required = terms.extended && command === Command.WRITE ? PAYLOAD_LEN : 0;
  if ((request.flags & ~(rule.flags | required)) !== 0 || (request.flags & required) !== required) return Errno.EINVAL;
  if (rule.changes && terms.readOnly) return Errno.EPERM;
  return rule.ranged ? checkRange(request, terms, rule) : 0;
}

function isOffered(command: number, terms: Terms): boolean {
  if (command === Command.BLOCK_STATUS) return terms.hasContexts;
  // Refused as a change first where there can be none.
  if (command === Command.TRIM) return terms.trims || terms.readOnly;
  return true;
}

function checkRange({ command, offsetBytes, lengthBytes }: Request, terms: Terms, rule: Rule): number {
  // Above 2^53 there is no export.
  if (offsetBytes === undefined || lengthBytes === undefined) return pastEndErrno(command);
  if (rule.hasData && lengthBytes > terms.maxRequestBytes) return Errno.EINVAL;
  // Written so that no sum can leave the safe integers.
  if (offsetBytes > terms.sizeBytes || lengthBytes > terms.sizeBytes - offsetBytes) {
    return pastEndErrno(command);
  }
  return 0;
}
