import type { Operation } from './contract.js';

/**
 * Why an operation failed; a closed set. The value tells whether the same call may succeed later although no one changes
 * anything, which is the default of {@link BlockError.retryable}.
 */
const RETRYABLE_BY_CODE = {
  /** An argument is of the wrong type, not a safe integer, or negative; or an option is unknown. */
  INVALID_ARGUMENT: false,
  /** A buffer, or a size in bytes, is not a whole number of sectors. */
  UNALIGNED: false,
  /** The range ends past the end of the device. */
  OUT_OF_BOUNDS: false,
  /** A changing operation on a read-only device. */
  READ_ONLY: false,
  /** The device was disconnected. */
  DISCONNECTED: false,
  /** The device cannot do this at all: resize a raw block device, use a store without conditional writes. */
  UNSUPPORTED: false,
  /** What was to be opened is not there: no such file, bucket, volume or export. */
  NOT_FOUND: false,
  /** What was to be created is there already. */
  ALREADY_EXISTS: false,
  /** Credentials or permissions do not allow it. */
  ACCESS_DENIED: false,
  /** Another writer has the device open. */
  LOCKED: true,
  /** The medium, a quota or a budget is full. */
  NO_SPACE: true,
  /** Stored data or metadata are not what they must be. */
  CORRUPT: false,
  /** Another writer has taken the volume over; this one must stop. */
  FENCED: false,
  /** An earlier flush failed in a way that leaves open what is durable; no later one can succeed [D3]. */
  FLUSH_FAILED: false,
  /** Something that was flushed is on a tier (a local medium above the device) that is not here. */
  TIER_MISSING: false,
  /** No answer within the time that the backend was configured with. */
  TIMEOUT: true,
  /** The other side cannot be reached or is overloaded. */
  UNAVAILABLE: true,
  /** The caller's AbortSignal fired. */
  ABORTED: false,
  /** The medium failed in a way that fits none of the above. */
  IO: false,
} as const satisfies Record<string, boolean>;

/** What went wrong, of a closed set; CONTRACT.md says when each is used. */
export type BlockErrorCode = keyof typeof RETRYABLE_BY_CODE;

/** All codes, for exhaustive tables and tests. */
export const BLOCK_ERROR_CODES = Object.keys(RETRYABLE_BY_CODE) as readonly BlockErrorCode[];

/** Where an error happened. */
export interface ErrorContext {
  readonly operation?: Operation | 'connect' | 'create' | 'delete' | undefined;
  /** Name of the device, as in its `info`. */
  readonly device?: string | undefined;
  /** First sector of the request. */
  readonly start?: number | undefined;
  /** Sectors of the request. */
  readonly count?: number | undefined;
}

/** Where an error happened, why, and whether to try again. */
export interface BlockErrorOptions extends ErrorContext {
  /** The original error. */
  readonly cause?: unknown;
  /** Overrides what the code says. */
  readonly retryable?: boolean | undefined;
}

/** The fields of a place. */
const PLACE = ['operation', 'device', 'start', 'count'] as const satisfies readonly (keyof ErrorContext)[];
/** As an assignment makes a property. */
const PLAIN = { writable: true, enumerable: true, configurable: true };

/**
 * Every expected failure of this library. `code` is stable; the message is for people.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { isBlockError } from '@blockyard/block';
 *
 * const device = await connectMemory({ sizeSectors: 16 });
 * const error = await device.read(16, [new Uint8Array(512)]).catch((reason) => reason);
 * console.log(isBlockError(error), error.code, error.retryable); // true OUT_OF_BOUNDS false
 * ```
 */
export class BlockError extends Error {
  override readonly name = 'BlockError';
  readonly code: BlockErrorCode;
  /** Whether the same call may succeed later although no one changes anything. */
  readonly retryable: boolean;
  // Declared alone: what is not known is not there, so that nothing prints it.
  declare readonly operation?: ErrorContext['operation'];
  declare readonly device?: string;
  declare readonly start?: number;
  declare readonly count?: number;

  constructor(code: BlockErrorCode, message: string, options: BlockErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? RETRYABLE_BY_CODE[code];
    for (const field of PLACE) {
      const value = options[field];
      if (value !== undefined) Object.defineProperty(this, field, { value, ...PLAIN });
    }
  }

  /**
   * A new error that tells where `source` happened, with `source` as its cause. One failure can reach several callers, and
   * each gets an error of its own. An error that is no BlockError becomes `fallback`. The message names the innermost place,
   * once, however many devices the error passes.
   */
  static from(source: unknown, context: ErrorContext, fallback: BlockErrorCode = 'IO'): BlockError {
    return located(source, context, fallback);
  }
}

/** Outside of the class: one that names itself is renamed by what bundles it, and prints under that name. */
function located(source: unknown, context: ErrorContext, fallback: BlockErrorCode): BlockError {
  if (!isBlockError(source)) {
    return new BlockError(fallback, `${describe(context)}: ${messageOf(source)}`, { ...context, cause: source });
  }
  const isLocated = source.operation !== undefined || source.device !== undefined;
  return new BlockError(source.code, isLocated ? source.message : `${describe(context)}: ${source.message}`, {
    ...context,
    retryable: source.retryable,
    cause: source,
  });
}

/** Whether `error` is a BlockError (of any copy of this package), and of code `code` if one is given. */
export function isBlockError(error: unknown, code?: BlockErrorCode): error is BlockError {
  if (typeof error !== 'object' || error === null || attempt(() => (error as BlockError).name) !== 'BlockError')
    return false;
  const found = (error as BlockError).code;
  return code === undefined ? Object.hasOwn(RETRYABLE_BY_CODE, found) : found === code;
}

/**
 * The error of a check, with its place added: the check knows nothing of the device. No one else has seen `error`, so as a
 * cause it would only repeat the message.
 */
export function locateError(error: unknown, context: ErrorContext): BlockError {
  const code = isBlockError(error) ? error.code : 'INVALID_ARGUMENT';
  return new BlockError(code, `${describe(context)}: ${messageOf(error)}`, context);
}

function describe({ operation, device, start, count }: ErrorContext): string {
  if (operation === undefined && device !== undefined) return device;
  const what = operation ?? 'operation';
  const where = device === undefined ? '' : ` on ${device}`;
  if (start === undefined || count === undefined) return `${what}${where}`;
  return `${what}${where}, ${count} sectors from ${start}`;
}

function messageOf(source: unknown): string {
  return attempt(() => (source instanceof Error ? source.message : String(source))) ?? 'an error that cannot be shown';
}

/** Anything can be thrown, also what throws when it is looked at. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
