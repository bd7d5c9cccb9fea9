import { createHash } from 'node:crypto';
import { BlockError } from '@blockyard/block';
import { isId } from '@blockyard/object-store';
import { checkHolder, HOLDER_FIELDS } from './holder.js';
import type { OwnedRoot } from './root-format.js';

/** The version that roots are written in, of every layout. Those of version 1 are read too; a later one is refused. */
export const FORMAT_VERSION = 2;
const FORMAT_NAME = 'blockyard-volume';
/** Version 1 knew no other. */
const LAYOUT_1 = 'chunks';

/** The fields of a root, none of them checked. */
export type RootFields = Readonly<Record<string, unknown>>;

/** A root of a version that is known, and of any layout. */
export interface RootText {
  readonly version: number;
  readonly layout: string;
  readonly fields: RootFields;
}

/** How a layout writes its roots. */
export interface RootShape {
  readonly layout: string;
  /** All fields in the order in which they are written, from `format`, `version` and `layout` to `check`. */
  readonly names: readonly string[];
  /** Those of `names` that are left out where they are undefined: roots that never needed them stay as they were. */
  readonly optionalNames?: readonly string[];
  /** Those of objects within them, that of the holder left out, in the order in which they are written. */
  readonly nestedNames?: readonly string[];
}

/** What the check is made of the fields' text with. Default: SHA-256 as hexadecimal digits. */
export type RootDigest = (text: string) => string;

const sha256: RootDigest = (text) => createHash('sha256').update(text).digest('hex');

/** A root as JSON: format, version and layout, then its fields in their order, then the check over all of them. */
export function encodeRootText(root: object, shape: RootShape, digest = sha256): Uint8Array {
  const fields = { ...root, format: FORMAT_NAME, version: FORMAT_VERSION, layout: shape.layout };
  const check = digest(textOf(fields, shape));
  return Buffer.from(`${JSON.stringify({ ...fields, check }, [...shape.names, ...nestedOf(shape)], 2)}\n`);
}

/**
 * Throws `CORRUPT` for what is no root of a volume, and `UNSUPPORTED` for one of a later version. `where` names the object. Of
 * the fields only `format`, `version` and `layout` are looked at: others are for the layout to check.
 */
export function parseRoot(bytes: Uint8Array, where: string): RootText {
  const fields = parse(bytes, where);
  if (fields.format !== FORMAT_NAME) throw corrupt(where, `format is ${show(fields.format)}, not "${FORMAT_NAME}"`);
  const { version } = fields;
  if (!isCount(version) || version < 1) throw corrupt(where, `version is ${show(version)}`);
  if (version > FORMAT_VERSION) {
    throw new BlockError('UNSUPPORTED', `${where}: version ${version} is newer than ${FORMAT_VERSION}`);
  }
  if (version === 1) return { version, layout: LAYOUT_1, fields };
  const { layout } = fields;
  if (typeof layout !== 'string') throw corrupt(where, `layout is ${show(layout)}`);
  return { version, layout, fields };
}

/** Throws `CORRUPT` unless the fields are those names, each once. Optional ones may be missing. */
export function checkRootNames(
  fields: RootFields,
  names: readonly string[],
  where: string,
  optionalNames: readonly string[] = [],
): void {
  for (const name of names) {
    if (!Object.hasOwn(fields, name) && !optionalNames.includes(name)) throw corrupt(where, `${name} is missing`);
  }
  for (const name of Object.keys(fields)) if (!names.includes(name)) throw corrupt(where, `unknown field "${name}"`);
}

/**
 * Throws `UNSUPPORTED` for another name than `known`: it may be of a later version, with fields of its own. Missing or not a
 * string: `CORRUPT`.
 */
export function checkRootName(fields: RootFields, name: string, known: string, where: string): void {
  const value = fields[name];
  if (value === known) return;
  if (typeof value !== 'string') throw corrupt(where, `${name} is ${show(value)}`);
  throw new BlockError('UNSUPPORTED', `${where}: ${name} ${show(value)} is not known`);
}

/** Throws `CORRUPT` unless the fields have their names and fit their check. */
export function checkRootText(fields: RootFields, shape: RootShape, where: string, digest = sha256): void {
  checkRootNames(fields, shape.names, where, shape.optionalNames);
  if (fields.check !== digest(textOf(fields, shape))) throw corrupt(where, 'the fields do not fit their check');
}

/** What every root says, checked: `CORRUPT` with what is wrong. Version 1 knew neither openings nor holders. */
export function ownedFieldsOf({ version, fields }: RootText, where: string): OwnedRoot {
  const { volumeId, changeId, writerEpoch } = fields;
  if (!isId(volumeId)) throw corrupt(where, `volumeId is ${show(volumeId)}`);
  if (!isId(changeId)) throw corrupt(where, `changeId is ${show(changeId)}`);
  if (!isCount(writerEpoch)) throw corrupt(where, `writerEpoch is ${show(writerEpoch)}`);
  const ids = { volumeId, changeId, writerEpoch };
  if (version === 1) return { ...ids, opening: null, holder: null };
  const { opening, holder, isDeleted } = fields;
  if (isDeleted !== undefined && isDeleted !== true) throw corrupt(where, `isDeleted is ${show(isDeleted)}`);
  const mark: Pick<OwnedRoot, 'isDeleted'> = isDeleted === true ? { isDeleted } : {};
  const owned = { ...ids, ...mark };
  if (opening !== null && !isId(opening)) throw corrupt(where, `opening is ${show(opening)}`);
  if ((opening === null) !== (writerEpoch === 0)) {
    throw corrupt(where, `opening is ${show(opening)} and writerEpoch ${writerEpoch}`);
  }
  if (holder === null) return { ...owned, opening, holder };
  if (opening === null) throw corrupt(where, 'has a holder, and no opening');
  return { ...owned, opening, holder: within(where, () => checkHolder(holder)) };
}

/** What `check` gives. What it throws becomes `CORRUPT`, and says where. */
export function within<T>(where: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new BlockError('CORRUPT', `${where}: ${(error as Error).message}`, { cause: error });
  }
}

/** What the check is over: all fields but itself as JSON, in their order and without white space. */
function textOf(fields: object, shape: RootShape): string {
  return JSON.stringify(fields, [...shape.names.filter((name) => name !== 'check'), ...nestedOf(shape)]);
}

function nestedOf({ nestedNames = [] }: RootShape): string[] {
  return [...HOLDER_FIELDS, ...nestedNames];
}

function parse(bytes: Uint8Array, where: string): RootFields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new BlockError('CORRUPT', `${where}: not JSON`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(where, 'not a JSON object');
  return value as RootFields;
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
