import { BlockError, checkSectorSize, checkSize } from '@blockyard/block';
import {
  checkRootName,
  checkRootNames,
  checkRootText,
  encodeRootText,
  type OwnedRoot,
  ownedFieldsOf,
  parseRoot,
  type RootFields,
  type RootFormat,
  type RootShape,
  within,
} from '@blockyard/volume-root';
import { checkObjectSize, OBJECT_SIZE_BYTES_MAX } from '../layout/object-size.js';
import { encodeStamp } from '../layout/stamp.js';

/** What the root object of a volume of chunks says. */
export interface Root extends OwnedRoot {
  readonly sectorSize: number;
  readonly sizeSectors: number;
  /** Bytes of the volume in one data object. */
  readonly objectSizeBytes: number;
  /** Bytes of the volume under one checksum within a data object. */
  readonly partSizeBytes: number;
  /** How data objects are encoded. */
  readonly codec: 'none';
  /** Data objects that there were at the last clean end. Null while a writer has the volume, and where no one counted. */
  readonly objectCount: number | null;
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
const SHAPE: RootShape = {
  layout: 'chunks',
  names: [
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
    'isDeleted',
    'changeId',
    'check',
  ],
  // Releases that do not know it refuse a root that has it, and read one that has not.
  optionalNames: ['isDeleted'],
};

/** A root is less than 2,000 bytes. What is longer than this is not a root, and is not read. */
const ROOT_BYTES_MAX = 16_384;

const PART_SIZE_BYTES_DEFAULT = 4096;

/** What a volume gets whose root does not say it yet: whole sectors, some 4 KiB. */
export function partSizeFor(sectorSize: number): number {
  return Math.max(PART_SIZE_BYTES_DEFAULT, sectorSize);
}

export function encodeRoot(root: Root): Uint8Array {
  return encodeRootText(root, SHAPE);
}

/**
 * Throws `CORRUPT` with what is wrong, or `UNSUPPORTED` for a root of a later version. `where` names the object.
 *
 * What version 1 does not say is given as it is before the first opening under version 2.
 */
export function decodeRoot(bytes: Uint8Array, where: string): Root {
  const text = parseRoot(bytes, where);
  const { version, fields } = text;
  // A layout or a codec of a later release may come with fields of its own.
  if (version !== 1) checkRootName(fields, 'layout', SHAPE.layout, where);
  checkRootName(fields, 'codec', 'none', where);
  if (version === 1) {
    checkRootNames(fields, FIELDS_1, where);
    return { ...ownedFieldsOf(text, where), ...shapeOf(fields, where), objectCount: null };
  }
  checkRootText(fields, SHAPE, where);
  const owned = ownedFieldsOf(text, where);
  const { objectCount } = fields;
  if (objectCount !== null && !isCount(objectCount)) throw corrupt(where, `objectCount is ${show(objectCount)}`);
  if (owned.holder !== null && objectCount !== null) throw corrupt(where, 'has a holder and an objectCount');
  return { ...owned, ...shapeOf(fields, where), objectCount };
}

export const ROOT_FORMAT: RootFormat<Root> = {
  maxBytes: ROOT_BYTES_MAX,
  encode: encodeRoot,
  decode: decodeRoot,
  stampOf: ({ volumeId, writerEpoch, changeId }) => encodeStamp({ volumeId, epoch: writerEpoch, writeId: changeId }),
};

function shapeOf(fields: RootFields, where: string): Omit<Root, keyof OwnedRoot | 'objectCount'> {
  const { sectorSize, sizeSectors, objectSizeBytes } = fields;
  return within(where, () => {
    checkSectorSize(sectorSize);
    checkSize(sizeSectors, sectorSize);
    checkObjectSize(objectSizeBytes, sectorSize);
    const { partSizeBytes = partSizeFor(sectorSize) } = fields;
    if (!isCount(partSizeBytes) || !isPartSize(partSizeBytes, sectorSize)) {
      throw new BlockError('CORRUPT', `partSizeBytes is ${show(partSizeBytes)}`);
    }
    return { sectorSize, sizeSectors, objectSizeBytes, partSizeBytes, codec: 'none' };
  });
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
