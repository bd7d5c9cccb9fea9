import { BlockError } from '@blockyard/block';
import { busy, type ObjectStore, type ObjectVersion, readInto } from '@blockyard/object-store';
import type { DataName } from '../format/keys.js';
import {
  decodeFoot,
  decodeHead,
  FOOT_BYTES,
  HEAD_BYTES,
  isFence,
  openIndex,
  type SegmentHead,
  type SegmentIndex,
} from '../format/segment.js';
import { ObjectGone } from './object-gone.js';
import type { Based, Places } from './places.js';

/** Of a segment of random sectors the index has some 16 KiB. What is longer takes a second request. */
const TAIL_GUESS_BYTES = 24 << 10;

/** The head of an object. */
export interface FoundHead {
  readonly head: SegmentHead;
  readonly sizeBytes: number;
  readonly isFence: boolean;
}

/** What an object's tail tells. */
export interface FoundIndex {
  readonly index: SegmentIndex;
  readonly slots: number;
}

/** Reads heads and indexes of objects of data. Whatever fails is an error: it is never taken for an object that is not there. */
export class SegmentReader {
  readonly #store: Pick<ObjectStore, 'get' | 'urlOf'>;
  readonly #places: Places;
  readonly #sectorSize: number;

  constructor(store: Pick<ObjectStore, 'get' | 'urlOf'>, places: Places, sectorSize: number) {
    this.#store = store;
    this.#places = places;
    this.#sectorSize = sectorSize;
  }

  /** Undefined if there is no such object. */
  async head(name: Based<DataName>): Promise<FoundHead | undefined> {
    const key = this.#places.dataKey(name);
    const bytes = new Uint8Array(HEAD_BYTES);
    const version = await this.#read(key, bytes, 0);
    if (version === undefined) return undefined;
    const where = this.#store.urlOf(key);
    const head = decodeHead(bytes, this.#places.dataIdentity(name), where);
    if (head.sectorSize !== this.#sectorSize) throw new BlockError('CORRUPT', `${where}: has other sectors`);
    return { head, sizeBytes: version.sizeBytes, isFence: isFence(bytes) };
  }

  /** The index of an object of that size. */
  async index(name: Based<DataName>, sizeBytes: number): Promise<FoundIndex> {
    const key = this.#places.dataKey(name);
    const where = this.#store.urlOf(key);
    const identity = this.#places.dataIdentity(name);
    const facts = { sizeBytes, sectorSize: this.#sectorSize };
    let tail = await this.#tail(key, sizeBytes, Math.min(sizeBytes, TAIL_GUESS_BYTES));
    const foot = decodeFoot(tail.subarray(-FOOT_BYTES), identity, facts, where);
    const wantedBytes = foot.indexBytes + FOOT_BYTES;
    if (wantedBytes > tail.byteLength) tail = await this.#tail(key, sizeBytes, wantedBytes);
    const sealed = tail.subarray(tail.byteLength - wantedBytes, tail.byteLength - FOOT_BYTES);
    return {
      index: openIndex(sealed, foot.slots, this.#places.dataSealer(name), where),
      slots: foot.slots,
    };
  }

  async #tail(key: string, sizeBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const where = this.#store.urlOf(key);
    if (lengthBytes < FOOT_BYTES) throw new BlockError('CORRUPT', `${where}: has ${sizeBytes} bytes`);
    const bytes = new Uint8Array(lengthBytes);
    const version = await this.#read(key, bytes, sizeBytes - lengthBytes);
    if (version === undefined) throw new ObjectGone(where);
    if (version.sizeBytes !== sizeBytes) {
      throw new BlockError('CORRUPT', `${where}: has ${version.sizeBytes} bytes, not ${sizeBytes}`);
    }
    return bytes;
  }

  async #read(key: string, target: Uint8Array, offset: number): Promise<ObjectVersion | undefined> {
    const found = await readInto(this.#store, key, [target], offset);
    if (found === 'busy') throw busy(this.#store.urlOf(key));
    if (found === 'beyond')
      throw new BlockError('CORRUPT', `${this.#store.urlOf(key)}: ends before ${offset + 1} bytes`);
    return found;
  }
}
