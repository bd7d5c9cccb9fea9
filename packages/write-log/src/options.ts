import {
  type BlockDevice,
  type BlockError,
  type Clock,
  checkBoolean,
  checkClock,
  checkDevice,
  checkFunction,
  checkIntegerBetween,
  checkOneOf,
  checkOptionNames,
  checkSectorSize,
  checkSize,
  checkTimeMs,
  BlockError as Failure,
  type KnownOptions,
  systemClock,
  type TierMark,
} from '@blockyard/block';
import { idOf, isId, utf8 } from './format/bytes.js';
import { BASE_ID_BYTES_MAX } from './format/layout.js';
import { LoadedRecords } from './opening/loaded.js';

/** Time for a write log. */
export interface WriteLogClock extends Clock {
  /** Milliseconds since 1970, as the machine has them: records say when they were written. Default: the system's. */
  wallMs?(): number;
}

/** `base`: a flush resolves when the base has all of it, durably. `medium`: when the log on the medium has. */
export type WriteLogDurability = 'base' | 'medium';

/** Where a log is, what it promises, and its bounds; for {@link connectWriteLog}. */
export interface WriteLogOptions {
  /** Where the log is: any block device. It is the log's from now on. One of zeroes is formatted. */
  readonly medium: BlockDevice;
  /** Which base this is, in up to 256 bytes: a medium with the log of another one is refused. Default: the base's name. */
  readonly baseId?: string | undefined;
  /** What a flush promises. Default: `base`. */
  readonly durability?: WriteLogDurability | undefined;
  /** Where the base remembers its tier, if it can: a log volume's `tierMark`. Default: it cannot. */
  readonly mark?: TierMark | undefined;
  /** Where the medium is, for the mark and for people. Default: the medium's name. */
  readonly place?: string | undefined;
  /** What was flushed to a tier and has not reached the base may be lost for good. Default: false. */
  readonly acceptLoss?: boolean | undefined;
  /** Changes nothing, neither base nor medium. Default: whether the base is read-only. */
  readonly readOnly?: boolean | undefined;
  /**
   * The base gets one write after the other, so that one that keeps their order has a prefix of them at any time. If not, it
   * gets each sector once, some at the same time, which is faster where a write of it takes long. Default: true.
   */
  readonly keepOrder?: boolean | undefined;
  /** What is accepted reaches the base after so many milliseconds, if the base can take it. Default: 10,000. */
  readonly maxDirtyAgeMs?: number | undefined;
  /** Memory for what the base does not have; at least 1 MiB. Beyond it, data are on the medium alone. Default: 64 MiB. */
  readonly maxMemoryBytes?: number | undefined;
  /** A call of the medium that takes longer, in milliseconds, has failed. Default: 30,000. */
  readonly maxMediumWaitMs?: number | undefined;
  /** What need not be read of the medium: from `loadWriteLog`, or `left` by a device. Default: everything is read. */
  readonly loaded?: LoadedRecords | undefined;
  /** Default: the system's. */
  readonly clock?: WriteLogClock | undefined;
  /** Gives ids of 32 lower-case hexadecimal digits, each at random. Default: the platform's random numbers. */
  readonly newId?: (() => string) | undefined;
  /** Told when medium or base begin to fail, where no caller is. Default: no one is told. */
  readonly onError?: ((error: BlockError) => void) | undefined;
}

/** The options with what was left out, checked. */
export type Settings = {
  readonly [Name in keyof Omit<WriteLogOptions, 'mark' | 'loaded'>]-?: Exclude<WriteLogOptions[Name], undefined>;
} & Pick<Required<WriteLogOptions>, 'mark' | 'loaded'>;

const KNOWN: KnownOptions<WriteLogOptions> = {
  medium: true,
  baseId: true,
  durability: true,
  mark: true,
  place: true,
  acceptLoss: true,
  readOnly: true,
  keepOrder: true,
  maxDirtyAgeMs: true,
  maxMemoryBytes: true,
  maxMediumWaitMs: true,
  loaded: true,
  clock: true,
  newId: true,
  onError: true,
};

const DIRTY_AGE_MS = 10_000;
export const MEMORY_BYTES = 64 << 20;
const MEMORY_BYTES_MIN = 1 << 20;
export const MEDIUM_WAIT_MS = 30_000;

/** `INVALID_ARGUMENT` for what is wrong or unknown. */
export function checkOptions(base: BlockDevice, options: WriteLogOptions): Settings {
  checkDevice(base, 'base');
  checkOptionNames(options, KNOWN);
  checkDevice(options.medium, 'medium');
  const {
    medium,
    baseId = defaultBaseId(base),
    durability = 'base',
    mark,
    place = medium.info.name,
    acceptLoss = false,
    readOnly = base.info.readOnly,
    keepOrder = true,
    maxDirtyAgeMs = DIRTY_AGE_MS,
    maxMemoryBytes = MEMORY_BYTES,
    maxMediumWaitMs = MEDIUM_WAIT_MS,
    loaded,
    clock = systemClock,
    newId = randomId,
    onError = () => {},
  } = options;
  checkBaseId(baseId);
  checkOneOf(durability, 'durability', ['base', 'medium']);
  if (mark !== undefined) checkFunction(mark?.attach, 'mark.attach');
  if (typeof place !== 'string' || place === '') throw new Failure('INVALID_ARGUMENT', 'place must be a text');
  checkBoolean(acceptLoss, 'acceptLoss');
  checkBoolean(readOnly, 'readOnly');
  checkBoolean(keepOrder, 'keepOrder');
  checkTimeMs(maxDirtyAgeMs, 'maxDirtyAgeMs', 1);
  checkIntegerBetween(maxMemoryBytes, 'maxMemoryBytes', MEMORY_BYTES_MIN);
  checkTimeMs(maxMediumWaitMs, 'maxMediumWaitMs', 2);
  if (loaded !== undefined && !(loaded instanceof LoadedRecords)) {
    throw new Failure('INVALID_ARGUMENT', 'loaded must be what loadWriteLog gave, or a device has left');
  }
  checkClock(clock);
  checkFunction(newId, 'newId');
  checkFunction(onError, 'onError');
  if (!readOnly && (base.info.readOnly || medium.info.readOnly)) {
    throw new Failure('INVALID_ARGUMENT', 'base and medium must not be read-only, unless readOnly is true');
  }
  return {
    medium,
    baseId,
    durability,
    mark,
    place,
    acceptLoss,
    readOnly,
    keepOrder,
    maxDirtyAgeMs,
    maxMemoryBytes,
    maxMediumWaitMs,
    loaded,
    clock,
    newId,
    onError,
  };
}

/** Which base a log is for. */
export interface BaseFacts {
  readonly id: string;
  /** Bytes. */
  readonly sectorSize: number;
  readonly sizeSectors: number;
}

/** Options of {@link createWriteLog}. */
export interface CreateWriteLogOptions {
  /** Where the log is to be. It stays its owner's. */
  readonly medium: BlockDevice;
  readonly base: BaseFacts;
  /** Whatever is on the medium is lost. Default: false, and then it must be zeroes. */
  readonly overwrite?: boolean | undefined;
  /** See {@link WriteLogOptions.newId}. */
  readonly newId?: (() => string) | undefined;
}

const KNOWN_CREATE: KnownOptions<CreateWriteLogOptions> = { medium: true, base: true, overwrite: true, newId: true };
const KNOWN_BASE: KnownOptions<BaseFacts> = { id: true, sectorSize: true, sizeSectors: true };

export function checkCreateOptions(options: CreateWriteLogOptions) {
  checkOptionNames(options, KNOWN_CREATE);
  const { medium, base, overwrite = false, newId = randomId } = options;
  checkDevice(medium, 'medium');
  checkOptionNames(base, KNOWN_BASE, 'base');
  checkBaseId(base.id);
  checkSectorSize(base.sectorSize);
  checkSize(base.sizeSectors, base.sectorSize);
  checkBoolean(overwrite, 'overwrite');
  checkFunction(newId, 'newId');
  if (medium.info.readOnly) throw new Failure('INVALID_ARGUMENT', 'medium must not be read-only');
  return { medium, base, overwrite, newId };
}

function checkBaseId(value: unknown): asserts value is string {
  const isText = typeof value === 'string' && value !== '' && utf8(value).byteLength <= BASE_ID_BYTES_MAX;
  if (!isText) throw new Failure('INVALID_ARGUMENT', `the id of the base must be 1 to ${BASE_ID_BYTES_MAX} bytes`);
}

/** The end of a long name says more than its beginning. */
function defaultBaseId({ info }: BlockDevice): string {
  let id = info.name === '' ? 'base' : info.name;
  while (utf8(id).byteLength > BASE_ID_BYTES_MAX) id = id.slice(1);
  return id;
}

/** An id that `newId` gave, or `INVALID_ARGUMENT`. */
export function checkedId(newId: () => string): string {
  const id: unknown = newId();
  if (isId(id)) return id;
  throw new Failure('INVALID_ARGUMENT', 'newId must give 32 lower-case hexadecimal digits, not all of them 0');
}

// What every platform of this package has, without the rest of any platform's types.
declare const crypto: { getRandomValues(bytes: Uint8Array): Uint8Array };

function randomId(): string {
  return idOf(crypto.getRandomValues(new Uint8Array(16)));
}
