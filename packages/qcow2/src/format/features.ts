import { corrupt, Fields, textOf, unsupported } from './bytes.js';

/** Bits of the incompatible features: one that a reader does not know forbids to read. */
export const DIRTY = 0;
export const CORRUPT = 1;
export const DATA_FILE = 2;
export const COMPRESSION_TYPE = 3;
export const EXTENDED_L2 = 4;

const KNOWN_BITS = [DIRTY, CORRUPT, DATA_FILE, COMPRESSION_TYPE, EXTENDED_L2];
const BITS = 64;

/** The incompatible features of an image. */
export class IncompatibleFeatures {
  readonly #high: number;
  readonly #low: number;

  constructor(high: number, low: number) {
    this.#high = high;
    this.#low = low;
  }

  has(bit: number): boolean {
    const word = bit < 32 ? this.#low : this.#high;
    return Math.floor(word / 2 ** (bit % 32)) % 2 === 1;
  }

  /** Refuses bits that this package does not know, with the names that the image gives them. */
  check(names: ReadonlyMap<number, string>): void {
    const unknown = Array.from({ length: BITS }, (_, bit) => bit).filter(
      (bit) => this.has(bit) && !KNOWN_BITS.includes(bit),
    );
    if (unknown.length === 0) return;
    const list = unknown.map((bit) => (names.has(bit) ? `${bit} (${names.get(bit)})` : String(bit)));
    throw unsupported(`the image has incompatible features that are not known: ${list.join(', ')}`);
  }
}

const NAME_ENTRY_BYTES = 48;
const INCOMPATIBLE = 0;

/** Names of incompatible features, by bit, in an extension of the header. What is no text has no name. */
export function featureNamesIn(table: Uint8Array): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (let at = 0; at + NAME_ENTRY_BYTES <= table.byteLength; at += NAME_ENTRY_BYTES) {
    const entry = table.subarray(at, at + NAME_ENTRY_BYTES);
    if (entry[0] !== INCOMPATIBLE) continue;
    const name = entry.subarray(2);
    const end = name.indexOf(0);
    const text = String.fromCharCode(...name.subarray(0, end < 0 ? name.byteLength : end));
    if (/^[\x20-\x7e]+$/.test(text)) names.set(new Fields(entry).u8(1), text);
  }
  return names;
}

/** Parts that may follow the header, by type. */
export interface Extensions {
  readonly backingFormat: string | undefined;
  readonly featureNames: ReadonlyMap<number, string>;
}

const END = 0;
const BACKING_FORMAT = 0xe2792aca;
const FEATURE_NAMES = 0x6803f857;
const HEAD_BYTES = 8;
/** No format has a longer name. */
const FORMAT_NAME_BYTES_MAX = 15;

/** Reads the extensions in `area`, which lies between the header and the backing file's name, or its cluster's end. */
export function extensionsIn(area: Uint8Array, areaOffset: number): Extensions {
  const fields = new Fields(area);
  let backingFormat: string | undefined;
  let featureNames: ReadonlyMap<number, string> = new Map();
  for (let at = 0; at + HEAD_BYTES <= area.byteLength; ) {
    const type = fields.u32(at);
    const length = fields.u32(at + 4);
    if (type === END) break;
    const start = at + HEAD_BYTES;
    if (length > area.byteLength - start) {
      throw corrupt(`the header extension at byte ${areaOffset + at} has ${length} bytes, more than there is room for`);
    }
    const data = area.subarray(start, start + length);
    if (type === BACKING_FORMAT) {
      if (length > FORMAT_NAME_BYTES_MAX) throw corrupt('the name of the format of the backing file is too long');
      backingFormat = textOf(data, 'the name of the format of the backing file');
    }
    if (type === FEATURE_NAMES) featureNames = featureNamesIn(data);
    at = start + Math.ceil(length / 8) * 8;
  }
  return { backingFormat, featureNames };
}
