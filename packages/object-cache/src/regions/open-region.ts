import type { Checks } from '../format/checks.js';
import { HEAD_BYTES, type Layout } from '../format/layout.js';
import { checksOf, encodeHead } from '../format/record.js';
import { encodeIndex, FOOT_BYTES, type IndexEntry, indexBytes } from '../format/region-index.js';
import { type NewRange, recordBytes, stepsOf } from './range.js';

/** Most that is written at once. */
const MAX_WRITE_BYTES = 1 << 20;

/** Ranges with their places, and the bytes that bring them there. */
export interface Batch {
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly placed: readonly { readonly range: NewRange; readonly entry: IndexEntry }[];
}

/** The region that is being filled: records from its beginning on, and room for their index at its end. */
export class OpenRegion {
  readonly region: number;
  readonly sequence: number;
  readonly #layout: Layout;
  readonly #checks: Checks;
  readonly #entries: IndexEntry[] = [];
  #filledBytes = 0;
  /** Records that have a place, whether they were written or not: they take room in the index. */
  #placed = 0;

  constructor(region: number, sequence: number, layout: Layout, checks: Checks) {
    this.region = region;
    this.sequence = sequence;
    this.#layout = layout;
    this.#checks = checks;
  }

  /** Gives places to the first of these, up to a bound. None, if there is no room for the first. */
  place(ranges: readonly NewRange[]): Batch | undefined {
    const start = this.#filledBytes;
    const placed: { range: NewRange; entry: IndexEntry }[] = [];
    let end = start;
    for (const range of ranges) {
      const bytes = recordBytes(range.bytes.byteLength);
      const isLarge = placed.length > 0 && end + bytes - start > MAX_WRITE_BYTES;
      if (isLarge || end + bytes > this.#limitFor(this.#placed + placed.length + 1)) break;
      placed.push({ range, entry: this.#entryAt(range, end) });
      end += bytes;
    }
    if (placed.length === 0) return undefined;
    this.#placed += placed.length;
    this.#filledBytes = this.#layout.alignUp(end);
    return { start: this.#start + start, bytes: this.#encode(placed, start), placed };
  }

  /** What was placed there is on the medium, and belongs into the index. */
  keep(entry: IndexEntry): void {
    this.#entries.push(entry);
  }

  /**
   * What is to be written where, with the index of those entries that are still wanted: the end of the region, then its slot of
   * the directory. Nothing, if there are none.
   */
  seal(
    use: (entry: IndexEntry) => IndexEntry | undefined,
  ): readonly { readonly start: number; readonly bytes: Uint8Array }[] {
    const entries = this.#entries.flatMap((entry) => use(entry) ?? []);
    if (entries.length === 0) return [];
    const { layout, region } = { layout: this.#layout, region: this.region };
    const index = encodeIndex({ region, sequence: this.sequence, entries }, this.#checks);
    const bytes = atEnd(index, layout.alignUp(index.byteLength));
    const end = { start: this.#start + layout.regionBytes - bytes.byteLength, bytes };
    if (region >= layout.slots) return [end];
    return [end, { start: layout.slotOf(region), bytes: atEnd(index, layout.slotBytes) }];
  }

  /** What its index and the copy will take, at most. */
  get indexBytes(): number {
    return this.#layout.alignUp(indexBytes(this.#placed)) + this.#layout.slotBytes;
  }

  /** Where a record begins, in units of the medium. */
  unitOf(entry: IndexEntry): number {
    return this.#start / HEAD_BYTES + entry.unit;
  }

  get #start(): number {
    return this.#layout.startOf(this.region);
  }

  /** Records end here, so that an index of so many fits behind them, in sectors of its own. */
  #limitFor(entries: number): number {
    return this.#layout.regionBytes - this.#layout.alignUp(indexBytes(entries));
  }

  #entryAt({ object, part, offset, bytes, uses }: NewRange, at: number): IndexEntry {
    const { word0, word1 } = object;
    return { word0, word1, part, unit: at / HEAD_BYTES, uses, ...stepsOf(this.#layout, offset, bytes.byteLength) };
  }

  #encode(placed: Batch['placed'], start: number): Uint8Array {
    const batch = new Uint8Array(this.#filledBytes - start);
    for (const { range, entry } of placed) {
      const { object, part, offset, bytes, version } = range;
      const at = entry.unit * HEAD_BYTES - start;
      const checks = checksOf(bytes, this.#checks);
      const head = { identity: object.bytes, part, offset, lengthBytes: bytes.byteLength, version, checks };
      batch.set(encodeHead(head, this.#checks), at);
      batch.set(bytes, at + HEAD_BYTES);
    }
    return batch;
  }
}

/** So many bytes that end with the index, or, if that is longer, with its foot. */
function atEnd(index: Uint8Array, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  const part = index.byteLength <= lengthBytes ? index : index.subarray(index.byteLength - FOOT_BYTES);
  bytes.set(part, lengthBytes - part.byteLength);
  return bytes;
}
