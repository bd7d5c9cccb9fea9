import {
  type BlockDevice,
  BlockError,
  type Clock,
  checkBoolean,
  checkClock,
  checkDevice,
  checkFunction,
  checkIntegerBetween,
  checkOneOf,
  checkOptionNames,
  checkSectorSize,
  type KnownOptions,
  systemClock,
} from '@blockyard/block';

/** How the bytes of a backing file are to be read. */
export type BackingFormat = 'raw' | 'qcow2';

/** What an image names as the image below it. */
export interface BackingFile {
  /** As the image has it: a path, most often relative to the image. It was chosen by the author of the image: do not trust it. */
  readonly name: string;
  readonly format: BackingFormat;
  /** The names that led to the image that names it, from the first image down. Empty: that is the first one itself. */
  readonly through: readonly string[];
}

/** Which state of an image to open, and how; for {@link connectQcow2}. */
export interface Qcow2Options {
  /** Bytes in a sector of the device: a power of two from 512 to 65,536. Default: 512. */
  readonly sectorSize?: number;
  /** The id or the name of a snapshot in the image: the device is what the image was then. Default: what it is. */
  readonly snapshot?: string;
  /**
   * Opens the bytes of a backing file, for reading; the device ends it. Left out: an image with a backing file is refused, since
   * an image from elsewhere could name any file of this machine.
   */
  readonly openBacking?: (file: BackingFile) => Promise<BlockDevice>;
  /** How a backing file is read whose format its image does not tell. Default: it is refused, and never guessed. */
  readonly backingFormat?: BackingFormat;
  /** Images below the first, at most: from 1 to 256. Default: 32. */
  readonly maxBackingFiles?: number;
  /** Bytes of tables that each image keeps in memory, at most. Default: 4 MiB. */
  readonly maxTableBytes?: number;
  /** Bytes of decompressed clusters that each image keeps in memory, at most. Default: 8 MiB. */
  readonly maxClusterBytes?: number;
  /** Whether disconnecting the device disconnects the base. Default: true. */
  readonly ownsBase?: boolean;
  /** Default: the system's. */
  readonly clock?: Clock;
}

const KNOWN: KnownOptions<Qcow2Options> = {
  sectorSize: true,
  snapshot: true,
  openBacking: true,
  backingFormat: true,
  maxBackingFiles: true,
  maxTableBytes: true,
  maxClusterBytes: true,
  ownsBase: true,
  clock: true,
};

export const BACKING_FORMATS: readonly BackingFormat[] = ['raw', 'qcow2'];

/** Those that may stay undefined. */
type Optional = 'snapshot' | 'openBacking' | 'backingFormat';

/** The options, complete and checked. */
export type CheckedOptions = Required<Omit<Qcow2Options, Optional>> & {
  readonly [Name in Optional]: Qcow2Options[Name] | undefined;
};

/** The options with their defaults, or `INVALID_ARGUMENT`. */
export function checkOptions(base: BlockDevice, options: Qcow2Options): CheckedOptions {
  checkDevice(base, 'base');
  checkOptionNames(options, KNOWN);
  const { sectorSize = 512, snapshot, openBacking, backingFormat, ownsBase = true, clock = systemClock } = options;
  const { maxBackingFiles = 32, maxTableBytes = 4 * 2 ** 20, maxClusterBytes = 8 * 2 ** 20 } = options;
  checkSectorSize(sectorSize);
  if (snapshot !== undefined && (typeof snapshot !== 'string' || snapshot === '')) {
    throw new BlockError('INVALID_ARGUMENT', 'snapshot must be the id or the name of one');
  }
  if (openBacking !== undefined) checkFunction(openBacking, 'openBacking');
  if (backingFormat !== undefined) checkOneOf(backingFormat, 'backingFormat', BACKING_FORMATS);
  checkIntegerBetween(maxBackingFiles, 'maxBackingFiles', 1, 256);
  checkIntegerBetween(maxTableBytes, 'maxTableBytes', 0);
  checkIntegerBetween(maxClusterBytes, 'maxClusterBytes', 0);
  checkBoolean(ownsBase, 'ownsBase');
  checkClock(clock);
  const optional = { snapshot, openBacking, backingFormat };
  return { sectorSize, ...optional, maxBackingFiles, maxTableBytes, maxClusterBytes, ownsBase, clock };
}
