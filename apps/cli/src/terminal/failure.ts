import { type BlockError, type BlockErrorCode, isBlockError } from '@blockyard/block';
import { interruptionIn } from './interruption.js';

/** The command line makes no sense: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** The command did what it could, and the answer is no: exit code 1. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly hint: string | undefined;
  readonly exitCode: number = 1;

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}

/** Another process has what was served: exit code 3, so that who restarts servers does not take it back. */
export class TakenOver extends Failure {
  override readonly exitCode = 3;
}

/** Where nothing better is known. */
export const USAGE_HINT = '--help shows an example';
const CAUSES_HINT = '--verbose shows the causes';

/** What most often helps. */
const HINTS: Readonly<Partial<Record<BlockErrorCode, string>>> = {
  UNALIGNED: 'positions and sizes are whole sectors; ?sector= in the URI sets their size',
  OUT_OF_BOUNDS: '"blockyard info URI" tells the size',
  READ_ONLY:
    'the past is only read: clone it to write; else leave --read-only out, or ask who serves it to allow writes',
  UNSUPPORTED: 'another kind of device may be able to, or a later release',
  NOT_FOUND: 'is the name right? "blockyard create URI --size SIZE" makes a device',
  ALREADY_EXISTS: 'nothing was changed; choose another name, or remove what is there first',
  ACCESS_DENIED:
    'file: permissions; s3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile; encrypted: ?passphrase-file=; nbd: nbds: with ?tls-certificates= or ?tls-psk-file=',
  LOCKED:
    'another process has it open: end that first, have it act with --server where it serves it, or take the volume from it with --take-over; or a clone lives on it: delete that first',
  NO_SPACE: 'make room, and try again',
  CORRUPT: '"blockyard check URI" tells how much of it is readable',
  FENCED: 'another process has taken the volume over',
  FLUSH_FAILED: 'what is durable is not known; check the medium, then open the device anew',
  TIER_MISSING:
    '--tier DIR, or ?tier=DIR in the URI, with the folder named there, on its machine; --accept-loss or ?accept-loss=true goes on without, and what was flushed last is lost, or for a reader not seen',
  TIMEOUT: 'is the server overloaded, or the network down?',
  UNAVAILABLE: 'is the server running, and the address right?',
};

/** So that a program can tell this from what may work when it is tried again. */
const TIER_MISSING_EXIT_CODE = 4;

/** Codes that the command line is to blame for. */
const USAGE_CODES: readonly BlockErrorCode[] = ['INVALID_ARGUMENT', 'UNALIGNED'];

/** How a command ended: what to say, and the exit code. */
export interface Ending {
  readonly text: string;
  readonly exitCode: number;
}

/** One line, always with a hint; with `verbose` the stack and the causes too. */
export function endingOf(error: unknown, verbose: boolean): Ending {
  const interruption = interruptionIn(error);
  const line = interruption?.message ?? `error: ${oneLine(messageOf(error))} (hint: ${hintOf(error)})`;
  const text = verbose ? `${line}\n${stackOf(error)}` : line;
  return { text: `${text}\n`, exitCode: interruption?.exitCode ?? exitCodeOf(error) };
}

/** The same for programs, in one line. */
export function jsonEndingOf(error: unknown): Ending {
  const told = factsOf(error);
  return { text: `${JSON.stringify({ error: told })}\n`, exitCode: told.exitCode };
}

/** What programs are told of a failure. */
export interface FailureFacts {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly exitCode: number;
}

export function factsOf(error: unknown): FailureFacts {
  const interruption = interruptionIn(error);
  if (interruption !== undefined) {
    return { code: 'INTERRUPTED', message: interruption.message, exitCode: interruption.exitCode };
  }
  return { code: codeOf(error), message: oneLine(messageOf(error)), hint: hintOf(error), exitCode: exitCodeOf(error) };
}

/** A `BlockErrorCode`, where that is what it comes from, or `USAGE` or `FAILED`. */
function codeOf(error: unknown): string {
  if (error instanceof UsageError) return 'USAGE';
  if (isBlockError(error)) return error.code;
  if (!(error instanceof Failure)) return 'FAILED';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? 'FAILED' : codeOf(error.cause);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Failure) return error.exitCode;
  if (isBlockError(error, 'TIER_MISSING')) return TIER_MISSING_EXIT_CODE;
  return isUsage(error) ? 2 : 1;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Control characters are shown, not sent: what comes from files and servers must not steer a terminal. */
export function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function isUsage(error: unknown): boolean {
  return error instanceof UsageError || (isBlockError(error) && USAGE_CODES.includes(error.code));
}

function hintOf(error: unknown): string {
  const isOwn = error instanceof UsageError || error instanceof Failure;
  const hint = isOwn ? error.hint : isBlockError(error) ? hintFor(error) : undefined;
  return hint ?? (isUsage(error) ? USAGE_HINT : CAUSES_HINT);
}

/** A device can be created; what it would be in cannot. */
function hintFor(error: BlockError): string | undefined {
  const [, scheme] = UNKNOWN_SCHEME.exec(error.message) ?? [];
  if (scheme !== undefined) return `npm install blockyard-backend-${scheme}, or name its package with --backend`;
  if (isMissingBucket(error)) return 'is the name right? the bucket must be there';
  return (isOfTier(error) ? TIER_HINTS[error.code] : undefined) ?? HINTS[error.code];
}

/** A scheme that no package here has. */
const UNKNOWN_SCHEME = /unknown scheme "([a-z0-9.-]+)"/;

/** What helps where it is not the device that fails, but its tier. */
const TIER_HINTS: Readonly<Partial<Record<BlockErrorCode, string>>> = {
  LOCKED: 'end that process first, or name another folder; without a tier, a device is read as its store has it',
  NO_SPACE: 'make room, or take less with --tier-size',
  ACCESS_DENIED: 'the folder of a tier must be yours to write to',
};

function isOfTier({ message }: BlockError): boolean {
  return message.startsWith('tier ');
}

function isMissingBucket(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'NoSuchBucket' || isMissingBucket(error.cause);
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by: ${stackOf(error.cause)}`;
}
