import { createHash } from 'node:crypto';
import { BlockError, checkSectorSize, checkSize } from '@blockyard/block';
import { isId } from '@blockyard/object-store';
import { checkObjectSize, OBJECT_SIZE_BYTES_MAX } from '../layout/object-size.js';
import { checkHolder, HOLDER_FIELDS, type Holder } from './holder.js';

/** The format that roots are written in. Those of version 1 are read too; a later one is refused. */
export const FORMAT_VERSION = 2;
const FORMAT_NAME = 'blockyard-volume';
const LAYOUT = 'chunks';

/** What the root object of a volume says. */
export interface Root {
  /** Random, made with the volume, and part of the stamp on each data object. */
  readonly volumeId: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  /** Bytes of the volume in one data object. */
  readonly objectSizeBytes: number;
  /** Bytes of the volume under one checksum within a data object. */
  readonly partSizeBytes: number;
  /** How data objects are encoded. */
  readonly codec: 'none';
  /** Number of times that the volume was opened for writing. The highest is the writer; all others are fenced. */
  readonly writerEpoch: number;
  /**
   * Random, new with each opening for writing; null before the first. Where a root was put back to an earlier version there can
   * be two writers of one epoch: the one whose opening the root has is the writer, the other one is fenced.
   */
  readonly opening: string | null;
  /** Who has the volume open for writing. Null after a clean end. */
  readonly holder: Holder | null;
  /** Data objects that there were at the last clean end. Null while a writer has the volume, and where no one counted. */
  readonly objectCount: number | null;
  /** Random, new with each change, so that no two versions of the root are alike. */
  readonly changeId: string;
}

/** In the order in which they are written. */
const FIELDS_1 = [
  'format',
  'version',
  'volumeId',
  'sectorSize',
  'sizeSectors',
  'objectSizeBytes',
  'codec',
  'writerEpoch',
  'changeId',
];
const FIELDS_2 = [
  'format',
  'version',
  'layout',
  'volumeId',
  'sectorSize',
  'sizeSectors',
  'objectSizeBytes',
  'partSizeBytes',
  'codec',
  'writerEpoch',
  'opening',
  'holder',
  'objectCount',
  'changeId',
  'check',
];

/** A root is less than 2,000 bytes. What is longer than this is not a root, and is not read. */
export const ROOT_BYTES_MAX = 16_384;

const PART_SIZE_BYTES_DEFAULT = 4096;

/** What a volume gets whose root does not say it yet: whole sectors, some 4 KiB. */
export function partSizeFor(sectorSize: number): number {
  return Math.max(PART_SIZE_BYTES_DEFAULT, sectorSize);
}

export function encodeRoot(root: Root): Uint8Array {
  const fields = { ...root, format: FORMAT_NAME, version: FORMAT_VERSION, layout: LAYOUT };
  const names = [...FIELDS_2, ...HOLDER_FIELDS];
  return Buffer.from(`${JSON.stringify({ ...fields, check: checkOf(fields) }, names, 2)}\n`);
}

/**
 * Throws `CORRUPT` with what is wrong, or `UNSUPPORTED` for a root of a later version. `where` names the object.
 *
 * What version 1 does not say is given as it is before the first opening under version 2.
 */
export function decodeRoot(bytes: Uint8Array, where: string): Root {
  const fields = parse(bytes, where);
  if (fields.format !== FORMAT_NAME) throw corrupt(where, `format is ${show(fields.format)}, not "${FORMAT_NAME}"`);
  const { version } = fields;
  if (!Number.isSafeInteger(version) || (version as number) < 1) throw corrupt(where, `version is ${show(version)}`);
  if ((version as number) > FORMAT_VERSION) {
    throw new BlockError('UNSUPPORTED', `${where}: version ${version} is newer than ${FORMAT_VERSION}`);
  }
  // A layout or a codec of a later release may come with fields of its own.
  if (version !== 1) checkKnown(fields, 'layout', LAYOUT, where);
  checkKnown(fields, 'codec', 'none', where);
  if (version === 1) {
    checkNames(fields, FIELDS_1, where);
    return { ...checkShape(fields, where), opening: null, holder: null, objectCount: null };
  }
  checkNames(fields, FIELDS_2, where);
  if (fields.check !== checkOf(fields)) throw corrupt(where, 'the fields do not fit their check');
  return { ...checkShape(fields, where), ...checkOpening(fields, where) };
}

/** SHA-256 of all other fields as JSON, in their order and without white space, as hexadecimal digits. */
function checkOf(fields: object): string {
  const names = [...FIELDS_2.filter((name) => name !== 'check'), ...HOLDER_FIELDS];
  return createHash('sha256').update(JSON.stringify(fields, names)).digest('hex');
}

function parse(bytes: Uint8Array, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new BlockError('CORRUPT', `${where}: not JSON`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(where, 'not a JSON object');
  return value as Record<string, unknown>;
}

function checkNames(fields: Record<string, unknown>, names: readonly string[], where: string): void {
  for (const name of names) if (!Object.hasOwn(fields, name)) throw corrupt(where, `${name} is missing`);
  for (const name of Object.keys(fields)) if (!names.includes(name)) throw corrupt(where, `unknown field "${name}"`);
}

/** A name that this version knows; another one may be of a later version. Missing or not a string: `CORRUPT`. */
function checkKnown(fields: Record<string, unknown>, name: string, known: string, where: string): void {
  const value = fields[name];
  if (value === known) return;
  if (!Object.hasOwn(fields, name)) throw corrupt(where, `${name} is missing`);
  if (typeof value !== 'string') throw corrupt(where, `${name} is ${show(value)}`);
  throw new BlockError('UNSUPPORTED', `${where}: ${name} ${show(value)} is not known`);
}

function checkShape(fields: Record<string, unknown>, where: string): Omit<Root, 'opening' | 'holder' | 'objectCount'> {
  const { volumeId, sectorSize, sizeSectors, objectSizeBytes, writerEpoch, changeId } = fields;
  try {
    checkSectorSize(sectorSize);
    checkSize(sizeSectors, sectorSize);
    checkObjectSize(objectSizeBytes, sectorSize);
  } catch (error) {
    throw new BlockError('CORRUPT', `${where}: ${(error as Error).message}`, { cause: error });
  }
  const { partSizeBytes = partSizeFor(sectorSize) } = fields;
  if (!isCount(partSizeBytes) || !isPartSize(partSizeBytes, sectorSize)) {
    throw corrupt(where, `partSizeBytes is ${show(partSizeBytes)}`);
  }
  if (!isId(volumeId)) throw corrupt(where, `volumeId is ${show(volumeId)}`);
  if (!isId(changeId)) throw corrupt(where, `changeId is ${show(changeId)}`);
  if (!isCount(writerEpoch)) throw corrupt(where, `writerEpoch is ${show(writerEpoch)}`);
  return {
    volumeId,
    sectorSize,
    sizeSectors,
    objectSizeBytes,
    partSizeBytes,
    codec: 'none',
    writerEpoch,
    changeId,
  };
}

function checkOpening(
  { writerEpoch, opening, holder, objectCount }: Record<string, unknown>,
  where: string,
): Pick<Root, 'opening' | 'holder' | 'objectCount'> {
  if (opening !== null && !isId(opening)) throw corrupt(where, `opening is ${show(opening)}`);
  if ((opening === null) !== (writerEpoch === 0)) {
    throw corrupt(where, `opening is ${show(opening)} and writerEpoch ${show(writerEpoch)}`);
  }
  if (objectCount !== null && !isCount(objectCount)) throw corrupt(where, `objectCount is ${show(objectCount)}`);
  if (holder === null) return { opening, holder, objectCount };
  if (opening === null || objectCount !== null) throw corrupt(where, 'has a holder, and no opening or an objectCount');
  try {
    return { opening, holder: checkHolder(holder), objectCount };
  } catch (error) {
    throw new BlockError('CORRUPT', `${where}: ${(error as Error).message}`, { cause: error });
  }
}

function isPartSize(bytes: number, sectorSize: number): boolean {
  return bytes > 0 && bytes <= OBJECT_SIZE_BYTES_MAX && bytes % sectorSize === 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function corrupt(where: string, what: string): BlockError {
  return new BlockError('CORRUPT', `${where}: ${what}`);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? 'missing';
}
