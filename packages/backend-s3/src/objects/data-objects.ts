import type { ByteRange, Condition, ObjectStore, ObjectVersion, PutResult, Sink } from '@blockyard/object-store';
import { dataKey, type Keys } from '../layout/keys.js';
import { encodeStamp } from '../layout/stamp.js';
import type { DataObjectStamp } from './format.js';
import { type Version, versionOf } from './version.js';

/** The outcome of a PUT; see {@link PutResult}. */
export type DataPutResult =
  | Exclude<PutResult, { readonly kind: 'lost' }>
  | { readonly kind: 'lost'; readonly found: Version | undefined; readonly late: boolean };

/** The data objects of a volume in its store, by number, with what their stamps say. */
export class DataObjects {
  readonly #store: Pick<ObjectStore, 'get' | 'head' | 'put' | 'urlOf'>;
  readonly #keys: Keys;

  constructor(store: Pick<ObjectStore, 'get' | 'head' | 'put' | 'urlOf'>, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  urlOf(index: number): string {
    return this.#store.urlOf(dataKey(this.#keys, index));
  }

  async get(
    index: number,
    range: ByteRange,
    open: (version: Version) => Sink | undefined,
  ): Promise<Version | 'beyond' | 'busy' | undefined> {
    let opened: { readonly of: ObjectVersion; readonly version: Version } | undefined;
    const found = await this.#store.get(dataKey(this.#keys, index), range, (of) => {
      opened = { of, version: versionOf(of) };
      return open(opened.version);
    });
    if (typeof found !== 'object') return found;
    return opened?.of === found ? opened.version : versionOf(found);
  }

  async head(index: number): Promise<Version | undefined> {
    const found = await this.#store.head(dataKey(this.#keys, index));
    return found && versionOf(found);
  }

  async put(index: number, body: Uint8Array, condition: Condition, stamp: DataObjectStamp): Promise<DataPutResult> {
    const result = await this.#store.put(dataKey(this.#keys, index), body, condition, encodeStamp(stamp));
    return result.kind === 'lost' ? { ...result, found: result.found && versionOf(result.found) } : result;
  }
}
