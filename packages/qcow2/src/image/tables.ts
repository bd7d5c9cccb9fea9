import { Fields } from '../format/bytes.js';
import type { ByteReader } from './byte-reader.js';
import { BytesCache } from './bytes-cache.js';

/** Bytes of a table that are read at once, at most. */
const PAGE_BYTES_MAX = 65_536;

/** Entries of a table that lie side by side. */
export interface TablePage {
  readonly fields: Fields;
  /** Index in the table of the first entry. */
  readonly first: number;
  readonly entries: number;
}

/** Reads tables of both levels page by page, and keeps those that were used last. */
export class Tables {
  readonly #reader: ByteReader;
  readonly #cache: BytesCache;
  readonly #pageBytes: number;

  constructor(reader: ByteReader, clusterBytes: number, maxBytes: number) {
    this.#reader = reader;
    this.#cache = new BytesCache(maxBytes);
    this.#pageBytes = Math.min(clusterBytes, PAGE_BYTES_MAX);
  }

  /** The page with entry `index` of the table that begins at byte `offset`. Throws `CORRUPT` where it is not in the image. */
  async page(offset: number, tableBytes: number, entryBytes: number, index: number, what: string): Promise<TablePage> {
    const at = Math.floor((index * entryBytes) / this.#pageBytes) * this.#pageBytes;
    const place = offset + at;
    const usedBytes = Math.min(this.#pageBytes, tableBytes - at);
    this.#reader.check(place, usedBytes, what);
    // As much for one table as for any other that lies there, too: a damaged image can have a table in another.
    const length = Math.min(this.#pageBytes, this.#reader.sizeBytes - place);
    const bytes = await this.#cache.get(place, length, () => this.#reader.read(place, length, what));
    return { fields: new Fields(bytes), first: at / entryBytes, entries: usedBytes / entryBytes };
  }

  clear(): void {
    this.#cache.clear();
  }
}
