import {
  BlockError,
  checkBoolean,
  checkOptionNames,
  checkSectorSize,
  type KnownOptions,
  type SizeOptions,
  sizeSectorsOf,
} from '@blockyard/block';

/** What to open as a device, and how; for {@link connectFile}. */
export interface FileOptions {
  /** Path of a regular file or of a raw block device (`/dev/sdb`). */
  readonly path: string;
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 512. */
  readonly sectorSize?: number;
  /** Open for reading only. Default: false. */
  readonly readOnly?: boolean;
  /** Make the file. Left out: it must be there. */
  readonly create?: CreateOptions;
  /**
   * Take a lock that keeps other processes out: exclusive for a writer, shared among read-only devices. The kernel drops it when
   * the process ends in whatever way. It binds only those who ask for one. Default: true.
   */
  readonly lock?: boolean;
}

/** The size, in either form, takes no space until it is written to, unless that is reserved. */
export interface CreateOptions extends SizeOptions {
  /** Open a file that is there already, with its own size, rather than reject with `ALREADY_EXISTS`. Default: false. */
  readonly ifMissing?: boolean;
  /** Take the space of the new file at once. `NO_SPACE` if it is not there, `UNSUPPORTED` where it cannot be taken. Default: false. */
  readonly reserve?: boolean;
}

/** How the file is made, its size in sectors. */
export type CheckedCreate = Required<Omit<CreateOptions, 'sizeBytes'>>;

/** The options, complete and checked. */
export interface CheckedOptions {
  readonly path: string;
  readonly sectorSize: number;
  readonly readOnly: boolean;
  readonly create: CheckedCreate | undefined;
  readonly lock: boolean;
}

const SECTOR_SIZE = 512;

/** Lists that do not compile when an option is missing from them. */
const KNOWN: KnownOptions<FileOptions> = {
  path: true,
  sectorSize: true,
  readOnly: true,
  create: true,
  lock: true,
};
const KNOWN_CREATE: KnownOptions<CreateOptions> = {
  sizeSectors: true,
  sizeBytes: true,
  ifMissing: true,
  reserve: true,
};

/** The options with their defaults, or `INVALID_ARGUMENT`. */
export function checkOptions(options: FileOptions): CheckedOptions {
  checkOptionNames(options, KNOWN);
  const { path, sectorSize = SECTOR_SIZE, readOnly = false, create, lock = true } = options;
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new BlockError('INVALID_ARGUMENT', 'path must be a string that is not empty and holds no NUL');
  }
  checkSectorSize(sectorSize);
  checkBoolean(readOnly, 'readOnly');
  checkBoolean(lock, 'lock');
  if (create === undefined) return { path, sectorSize, readOnly, create, lock };
  if (readOnly) throw new BlockError('INVALID_ARGUMENT', 'a device cannot be created read-only');
  return { path, sectorSize, readOnly, create: checkCreate(create, sectorSize), lock };
}

function checkCreate(create: CreateOptions, sectorSize: number): CheckedCreate {
  checkOptionNames(create, KNOWN_CREATE, 'create');
  const { ifMissing = false, reserve = false } = create;
  const sizeSectors = sizeSectorsOf(create, sectorSize);
  checkBoolean(ifMissing, 'create.ifMissing');
  checkBoolean(reserve, 'create.reserve');
  return { sizeSectors, ifMissing, reserve };
}
