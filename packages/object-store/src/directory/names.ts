import { join } from 'node:path';
import { BlockError } from '@blockyard/block';

/** What the name of an object's file ends in: the version of the format. Directories have no such character in their names. */
const SUFFIX = '@1';

/** Of most file systems. */
const MAX_NAME_LENGTH = 255;

/** Holds what is not there yet: objects that are being stored. No key leads there. */
export const NEW_DIRECTORY = '.new';
/** Locked by who replaces or deletes objects. */
export const LOCK_FILE = '.lock';
/** Tells the directory of a store from any other. */
export const STORE_FILE = '.blockyard-objects';

/**
 * The path of an object's file within the store's directory: a directory for each segment of the key, and the file for the last
 * one.
 */
export function pathOf(key: string): string {
  const segments = key.split('/').map(encodeSegment);
  const last = segments.pop() ?? '';
  const path = [...segments, last + SUFFIX];
  if (path.some(({ length }) => length > MAX_NAME_LENGTH)) {
    throw new BlockError('INVALID_ARGUMENT', `a part of the key ${JSON.stringify(key)} is too long for a file name`);
  }
  return join(...path);
}

/** The segment that a directory is for, or undefined if it is not one of the store's. */
export function segmentOfDirectory(name: string): string | undefined {
  return decodeSegment(name);
}

/** The last segment of the key of the object in a file, or undefined if it is not one of the store's. */
export function segmentOfFile(name: string): string | undefined {
  return name.endsWith(SUFFIX) ? decodeSegment(name.slice(0, -SUFFIX.length)) : undefined;
}

/**
 * Lower-case letters, digits, `-` and `_` stand for themselves, and so does a dot that is not the first character; every other
 * byte of UTF-8 is `%` and two hexadecimal digits, and an empty segment is `%`. So no two keys have one name, on file systems
 * too that do not tell upper from lower case.
 */
function encodeSegment(segment: string): string {
  if (segment === '') return '%';
  const escaped = Array.from(Buffer.from(segment), (byte) => {
    const character = String.fromCharCode(byte);
    return /[a-z0-9._-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`;
  });
  return escaped.join('').replace(/^\./, '%2e');
}

function decodeSegment(name: string): string | undefined {
  if (name === '%') return '';
  const bytes = Buffer.from(
    name.replace(/%([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
    'latin1',
  );
  const segment = bytes.toString('utf8');
  // What this module has not made is not the store's.
  return name !== '' && encodeSegment(segment) === name ? segment : undefined;
}
