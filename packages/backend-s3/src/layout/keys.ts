/**
 * Where things are: `<prefix>/volume.json` is the root, `<prefix>/data/<object number>` one object of data each, and
 * `<prefix>/probe-<id>` a scratch key while a volume is created or connected to.
 *
 * Object numbers are twelve lower-case hexadecimal digits, so that a listing has them in order: a range of the volume is a
 * range of the listing, and a listing can be split. (Twelve reach past 2^53 bytes in objects of 512. Stores of today split busy
 * ranges of keys by themselves, so no digits are reversed to spread the load.)
 */
export interface Keys {
  /** What all keys begin with. */
  readonly volumePrefix: string;
  readonly root: string;
  /** What the keys of all data begin with. */
  readonly dataPrefix: string;
  readonly probePrefix: string;
}

const NUMBER_DIGITS = 12;
const NUMBER_PATTERN = /^[0-9a-f]{12}$/;

/** The most that a key adds to its prefix: `/probe-` and an id of 32. */
export const LONGEST_KEY_BYTES = 39;

export function keysOf(prefix: string): Keys {
  return {
    volumePrefix: `${prefix}/`,
    root: `${prefix}/volume.json`,
    dataPrefix: `${prefix}/data/`,
    probePrefix: `${prefix}/probe-`,
  };
}

export function dataKey(keys: Keys, index: number): string {
  return keys.dataPrefix + index.toString(16).padStart(NUMBER_DIGITS, '0');
}

/** The number of a data object, or undefined for any other key. */
export function indexOfKey(keys: Keys, key: string): number | undefined {
  const digits = key.slice(keys.dataPrefix.length);
  return key.startsWith(keys.dataPrefix) && NUMBER_PATTERN.test(digits) ? Number.parseInt(digits, 16) : undefined;
}
