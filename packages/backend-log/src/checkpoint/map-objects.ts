import { BlockError } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import type { MapRow } from '../format/rows.js';
import { TRAILER_BYTES } from '../format/sealing.js';
import type { Places } from '../objects/places.js';
import type { StoredPiece } from '../state/regions.js';

/** Beyond that a map object is not added to. */
const PART_BYTES_MAX = 8 << 20;
const PUTS_MAX = 4;

/** A map object that is being put together. */
interface Part {
  readonly row: MapRow;
  readonly blobs: Uint8Array[];
}

/** Puts the blobs of one checkpoint together to objects. */
export class MapObjects {
  readonly #places: Places;
  readonly #name: { readonly generation: number; readonly epoch: number };
  readonly #parts: Part[] = [];

  constructor(places: Places, name: { readonly generation: number; readonly epoch: number }) {
    this.#places = places;
    this.#name = name;
  }

  get rows(): MapRow[] {
    return this.#parts.map(({ row }) => row);
  }

  /** Seals the bytes, and says where they will be. */
  add(bytes: Uint8Array): StoredPiece {
    return this.#addTo(this.#partFor(bytes.byteLength + TRAILER_BYTES), bytes);
  }

  /** The same, in an object of its own: what lies with it would seem to be of little use once a later one takes its place. */
  addApart(bytes: Uint8Array): StoredPiece {
    return this.#addTo(this.#newPart(), bytes);
  }

  #addTo({ row, blobs }: Part, bytes: Uint8Array): StoredPiece {
    const offset = row.sizeBytes;
    const sealed = new Uint8Array(bytes.byteLength + TRAILER_BYTES);
    sealed.set(bytes);
    const data = sealed.subarray(0, bytes.byteLength);
    this.#places.mapSealer(row).seal(offset, bytes.byteLength, data, sealed.subarray(bytes.byteLength));
    blobs.push(sealed);
    row.sizeBytes += sealed.byteLength;
    return { row, offset, lengthBytes: sealed.byteLength };
  }

  /** Stores all of them. Throws what the store fails with. */
  async put(store: Pick<ObjectStore, 'put' | 'urlOf'>, stamp: string): Promise<void> {
    const left = [...this.#parts];
    const worker = async () => {
      for (let part = left.shift(); part !== undefined; part = left.shift()) {
        const key = this.#places.mapKey(part.row);
        const result = await store.put(key, Buffer.concat(part.blobs), 'absent', `${stamp}/${part.row.part}`);
        if (result.kind === 'failed') throw result.error;
        // A name is never used twice by one opening: another one has the epoch, as after a root that was put back.
        if (result.kind === 'lost') throw new BlockError('FENCED', `${store.urlOf(key)} is there already`);
      }
    };
    await Promise.all(Array.from({ length: PUTS_MAX }, worker));
  }

  #partFor(lengthBytes: number): Part {
    const last = this.#parts.at(-1);
    if (last !== undefined && last.row.sizeBytes + lengthBytes <= PART_BYTES_MAX) return last;
    return this.#newPart();
  }

  #newPart(): Part {
    const row = { ...this.#name, part: this.#parts.length, base: 0, sizeBytes: 0, liveBytes: 0, dead: 0 };
    const part = { row, blobs: [] };
    this.#parts.push(part);
    return part;
  }
}
