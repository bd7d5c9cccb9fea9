import {
  BlockError,
  checkBoolean,
  checkOptionNames,
  checkSectorSize,
  checkSize,
  type KnownOptions,
} from '@blockyard/block';

/** Where volumes are. */
export interface FolderOptions {
  /** A folder at the top of the origin's private file system. Default: `blockyard`. */
  readonly folder?: string;
}

/** Which volume. */
export interface VolumeOptions extends FolderOptions {
  /** Its name: up to 200 characters, without `/`, `\` and control characters, not beginning with a dot. */
  readonly name: string;
}

/** The shape of a new volume. */
export interface CreateOptions extends VolumeOptions {
  /** Size of the volume. What was never written takes no space. */
  readonly sizeSectors: number;
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 4096. */
  readonly sectorSize?: number;
}

/** Which volume to open, and how. */
export interface ConnectOptions extends VolumeOptions {
  /** Open for reading only. Default: false. */
  readonly readOnly?: boolean;
}

export const FOLDER = 'blockyard';
export const SECTOR_SIZE = 4096;
const NAME_LENGTH_MAX = 200;

const FOLDER_KNOWN: KnownOptions<FolderOptions> = { folder: true };
const VOLUME_KNOWN: KnownOptions<VolumeOptions> = { ...FOLDER_KNOWN, name: true };
const CREATE_KNOWN: KnownOptions<CreateOptions> = { ...VOLUME_KNOWN, sizeSectors: true, sectorSize: true };
const CONNECT_KNOWN: KnownOptions<ConnectOptions> = { ...VOLUME_KNOWN, readOnly: true };

export function checkFolderOptions(options: FolderOptions): Required<FolderOptions> {
  checkOptionNames(options, FOLDER_KNOWN);
  return folderOf(options);
}

export function checkVolumeOptions(options: VolumeOptions): Required<VolumeOptions> {
  checkOptionNames(options, VOLUME_KNOWN);
  return volumeOf(options);
}

export function checkCreateOptions(options: CreateOptions): Required<CreateOptions> {
  checkOptionNames(options, CREATE_KNOWN);
  const { sizeSectors, sectorSize = SECTOR_SIZE } = options;
  checkSectorSize(sectorSize);
  checkSize(sizeSectors, sectorSize);
  return { ...volumeOf(options), sizeSectors, sectorSize };
}

export function checkConnectOptions(options: ConnectOptions): Required<ConnectOptions> {
  checkOptionNames(options, CONNECT_KNOWN);
  const { readOnly = false } = options;
  checkBoolean(readOnly, 'readOnly');
  return { ...volumeOf(options), readOnly };
}

function folderOf({ folder = FOLDER }: FolderOptions): Required<FolderOptions> {
  checkName(folder, 'folder');
  return { folder };
}

function volumeOf({ name, folder = FOLDER }: VolumeOptions): Required<VolumeOptions> {
  checkName(name, 'name');
  return { name, ...folderOf({ folder }) };
}

function checkName(value: unknown, what: string): asserts value is string {
  const isName =
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= NAME_LENGTH_MAX &&
    !value.startsWith('.') &&
    [...value].every((character) => character > '\u001f' && character !== '/' && character !== '\\');
  if (isName) return;
  const allowed = `1 to ${NAME_LENGTH_MAX} characters without slashes, not beginning with a dot`;
  throw new BlockError('INVALID_ARGUMENT', `${what} must be ${allowed}, not ${JSON.stringify(value)}`);
}
