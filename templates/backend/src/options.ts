import {
  BlockError,
  checkBoolean,
  checkIntegerBetween,
  checkOptionNames,
  checkSectorSize,
  type KnownOptions,
  type SizeOptions,
  sizeSectorsOf,
} from '@blockyard/block';
export interface TemplateOptions {
  /** Folder of the volume. */
  readonly path: string;
}

export interface ConnectTemplateOptions extends TemplateOptions {
  /** Default: false. */
  readonly readOnly?: boolean;
}

export interface CreateTemplateOptions extends TemplateOptions, SizeOptions {
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 4096. */
  readonly sectorSize?: number;
  /** Bytes that are stored as one: whole sectors, at most 64 MiB. Default: 256 KiB. */
  readonly chunkBytes?: number;
}

const SECTOR_SIZE = 4096;
const CHUNK_BYTES = 256 * 1024;
const MAX_CHUNK_BYTES = 64 * 1024 * 1024;

/** Lists that do not compile when an option is missing from them. */
const KNOWN: KnownOptions<TemplateOptions> = { path: true };
const KNOWN_CONNECT: KnownOptions<ConnectTemplateOptions> = { ...KNOWN, readOnly: true };
const KNOWN_CREATE: KnownOptions<CreateTemplateOptions> = {
  ...KNOWN,
  sizeSectors: true,
  sizeBytes: true,
  sectorSize: true,
  chunkBytes: true,
};

/** The options with their defaults, here and below, or `INVALID_ARGUMENT`: a misspelt one must not be a silent default. */
export function checkConnectOptions(options: ConnectTemplateOptions): Required<ConnectTemplateOptions> {
  checkOptionNames(options, KNOWN_CONNECT);
  const { readOnly = false } = options;
  checkBoolean(readOnly, 'readOnly');
  return { path: pathOf(options), readOnly };
}

/** `UNALIGNED` for bytes that are not whole sectors. */
export function checkCreateOptions(options: CreateTemplateOptions): Required<Omit<CreateTemplateOptions, 'sizeBytes'>> {
  checkOptionNames(options, KNOWN_CREATE);
  const { sectorSize = SECTOR_SIZE, chunkBytes = CHUNK_BYTES } = options;
  checkSectorSize(sectorSize);
  checkChunkBytes(chunkBytes, sectorSize);
  return { path: pathOf(options), sectorSize, chunkBytes, sizeSectors: sizeSectorsOf(options, sectorSize) };
}

export function checkDeleteOptions(options: TemplateOptions): TemplateOptions {
  checkOptionNames(options, KNOWN);
  return { path: pathOf(options) };
}

export function checkChunkBytes(chunkBytes: unknown, sectorSize: number): asserts chunkBytes is number {
  checkIntegerBetween(chunkBytes, 'chunkBytes', sectorSize, MAX_CHUNK_BYTES);
  if (chunkBytes % sectorSize === 0) return;
  throw new BlockError('UNALIGNED', `chunkBytes ${chunkBytes} is not a multiple of ${sectorSize}`);
}

function pathOf({ path }: TemplateOptions): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  throw new BlockError('INVALID_ARGUMENT', 'path must be a string that is not empty and holds no NUL');
}
