import { BlockError, checkSectorSize, checkSize } from '@blockyard/block';
import { checkObjectSize } from './options.js';

/** The one format that there is so far. A later one gets the next number, and this version refuses it. */
export const FORMAT_VERSION = 1;
const FORMAT_NAME = 'blockyard-volume';

/** What the root object of a volume says. */
export interface Root {
  /** Random, made with the volume, and part of the stamp on each data object. */
  readonly volumeId: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  /** Bytes of the volume in one data object. */
  readonly objectSizeBytes: number;
  /** How data objects are encoded. */
  readonly codec: 'none';
  /** Number of times that the volume was opened for writing. The highest is the writer; all others are fenced. */
  readonly writerEpoch: number;
  /** Random, new with each change, so that no two versions of the root are alike. */
  readonly changeId: string;
}

const FIELDS = [
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

/** 32 hexadecimal digits. */
const ID_PATTERN = /^[0-9a-f]{32}$/;

/** A root is some 300 bytes. What is longer than this is none, and is not read. */
export const ROOT_BYTES_MAX = 16_384;

export function encodeRoot(root: Root): Uint8Array {
  return Buffer.from(`${JSON.stringify({ format: FORMAT_NAME, version: FORMAT_VERSION, ...root }, undefined, 2)}\n`);
}

/** Throws `CORRUPT` with what is wrong, or `UNSUPPORTED` for a root of a later version. `where` names the object. */
export function decodeRoot(bytes: Uint8Array, where: string): Root {
  const fields = parse(bytes, where);
  if (fields.format !== FORMAT_NAME) throw corrupt(where, `format is ${show(fields.format)}, not "${FORMAT_NAME}"`);
  const { version } = fields;
  if (!Number.isSafeInteger(version) || (version as number) < 1) throw corrupt(where, `version is ${show(version)}`);
  if ((version as number) > FORMAT_VERSION) {
    throw new BlockError('UNSUPPORTED', `${where}: version ${version} is newer than ${FORMAT_VERSION}`);
  }
  if (fields.codec !== 'none') {
    if (typeof fields.codec !== 'string') throw corrupt(where, `codec is ${show(fields.codec)}`);
    throw new BlockError('UNSUPPORTED', `${where}: codec ${show(fields.codec)} is not known`);
  }
  for (const name of FIELDS) if (!Object.hasOwn(fields, name)) throw corrupt(where, `${name} is missing`);
  for (const name of Object.keys(fields)) if (!FIELDS.includes(name)) throw corrupt(where, `unknown field "${name}"`);
  return checkFields(fields, where);
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

function checkFields(fields: Record<string, unknown>, where: string): Root {
  const { volumeId, sectorSize, sizeSectors, objectSizeBytes, writerEpoch, changeId } = fields;
  try {
    checkSectorSize(sectorSize);
    checkSize(sizeSectors, sectorSize);
    checkObjectSize(objectSizeBytes, sectorSize);
  } catch (error) {
    throw new BlockError('CORRUPT', `${where}: ${(error as Error).message}`, { cause: error });
  }
  if (!isId(volumeId)) throw corrupt(where, `volumeId is ${show(volumeId)}`);
  if (!isId(changeId)) throw corrupt(where, `changeId is ${show(changeId)}`);
  if (!Number.isSafeInteger(writerEpoch) || (writerEpoch as number) < 0) {
    throw corrupt(where, `writerEpoch is ${show(writerEpoch)}`);
  }
  return {
    volumeId,
    sectorSize,
    sizeSectors,
    objectSizeBytes,
    codec: 'none',
    writerEpoch: writerEpoch as number,
    changeId,
  };
}

export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}

function corrupt(where: string, what: string): BlockError {
  return new BlockError('CORRUPT', `${where}: ${what}`);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? 'missing';
}
