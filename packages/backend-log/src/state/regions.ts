import { BlockError } from '@blockyard/block';
import { busy, type ObjectStore, readInto } from '@blockyard/object-store';
import type { Directory, RegionPieces } from '../format/directory.js';
import type { MapRow } from '../format/rows.js';
import { openBlob } from '../format/sealing.js';
import { ObjectGone } from '../objects/object-gone.js';
import type { Places } from '../objects/places.js';

/** A payload of a region, as a checkpoint stored it. */
export interface StoredPiece {
  readonly row: MapRow;
  readonly offset: number;
  /** With its trailer. */
  readonly lengthBytes: number;
}

/** Where the payloads of the map are in the store, as of the last checkpoint. */
export class Regions {
  #store: Pick<ObjectStore, 'get' | 'urlOf'>;
  #places: Places;
  readonly #pieces = new Map<number, StoredPiece[]>();
  readonly rows: Set<MapRow>;

  constructor(
    store: Pick<ObjectStore, 'get' | 'urlOf'>,
    places: Places,
    directory: Pick<Directory, 'maps' | 'regions'>,
  ) {
    this.#store = store;
    this.#places = places;
    const { maps } = directory;
    this.rows = new Set(maps);
    for (const { region, pieces } of directory.regions) {
      const stored = pieces.map(({ mapObject, offset, lengthBytes }) => ({
        row: maps[mapObject] as MapRow,
        offset,
        lengthBytes,
      }));
      this.#pieces.set(region, stored);
    }
  }

  /** From now on they are read by another handle of the same store. */
  readFrom(store: Pick<ObjectStore, 'get' | 'urlOf'>, places: Places): void {
    this.#store = store;
    this.#places = places;
  }

  has(region: number): boolean {
    return this.#pieces.has(region);
  }

  /** Of the regions that have something. */
  numbers(): Iterable<number> {
    return this.#pieces.keys();
  }

  piecesOf(region: number): readonly StoredPiece[] {
    return this.#pieces.get(region) ?? [];
  }

  /** Regions that have a payload in the object. */
  *regionsIn(row: MapRow): Generator<number> {
    for (const [region, pieces] of this.#pieces) if (pieces.some((piece) => piece.row === row)) yield region;
  }

  /** From now on the region has these payloads. Objects count what is referred to. */
  replace(region: number, pieces: StoredPiece[]): void {
    const before = this.piecesOf(region);
    for (const { row, lengthBytes } of pieces) row.liveBytes += lengthBytes;
    for (const { row, lengthBytes } of before) row.liveBytes -= lengthBytes;
    if (pieces.length === 0) this.#pieces.delete(region);
    else this.#pieces.set(region, pieces);
  }

  /** The payloads of a region, the base first. */
  readonly load = (region: number): Promise<readonly Uint8Array[]> =>
    Promise.all(this.piecesOf(region).map((piece) => readBlob(this.#store, this.#places, piece)));

  /** What the directory is to say of all regions. */
  describe(rows: readonly MapRow[]): RegionPieces[] {
    const numbers = new Map(rows.map((row, index) => [row, index]));
    const regions = [...this.#pieces.keys()].sort((a, b) => a - b);
    return regions.map((region) => ({
      region,
      pieces: this.piecesOf(region).map(({ row, offset, lengthBytes }) => ({
        mapObject: numbers.get(row) ?? 0,
        offset,
        lengthBytes,
      })),
    }));
  }
}

/** Reads a blob of a map object, and checks it. Any failure is an error. */
export async function readBlob(
  store: Pick<ObjectStore, 'get' | 'urlOf'>,
  places: Places,
  { row, offset, lengthBytes }: { row: Parameters<Places['mapKey']>[0]; offset: number; lengthBytes: number },
): Promise<Uint8Array> {
  const key = places.mapKey(row);
  const where = store.urlOf(key);
  const sealed = new Uint8Array(lengthBytes);
  const version = await readInto(store, key, [sealed], offset);
  if (version === undefined) throw new ObjectGone(where);
  if (version === 'busy') throw busy(where);
  if (version === 'beyond') throw new BlockError('CORRUPT', `${where}: ends before ${offset + 1} bytes`);
  return openBlob(places.mapSealer(row), offset, sealed, `${where} from byte ${offset}`);
}
