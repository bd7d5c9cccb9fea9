import { BlockError } from '@blockyard/block';
import { holds } from './condition.js';
import { newId } from './ids.js';
import { checkKey, checkStamp } from './keys.js';
import { pagesOf } from './list.js';
import { LocalDates } from './local-dates.js';
import { withScratch } from './scratch.js';
import type { ByteRange, OpenSink } from './sink.js';
import type {
  Condition,
  DeleteResult,
  Deletion,
  GetResult,
  Listed,
  ListOptions,
  ObjectStore,
  ProbeOptions,
  PutResult,
  StoreAbilities,
} from './store.js';
import { type ClassOf, TrafficCounter } from './traffic.js';
import type { ObjectVersion } from './version.js';

/** An object in memory. */
export interface MemoryObject extends ObjectVersion {
  readonly body: Uint8Array;
  readonly modifiedMs: number;
}

/** The objects of a store in memory, by key. Handles that share it are as processes that share a bucket. */
export type MemoryObjects = Map<string, MemoryObject>;

/** Options of {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /** Objects that are there, and where new ones go. Default: none. */
  readonly objects?: MemoryObjects;
  /** What URLs begin with. Default: `memory:`. */
  readonly name?: string;
  /** Whether PUT looks at conditions. Default: true. */
  readonly conditionalPuts?: boolean;
  /** Whether deletes look at ETags. Default: true. */
  readonly conditionalDeletes?: boolean;
  /** Whether listings can be in order. If not, they come with the last keys first. Default: true. */
  readonly listsInOrder?: boolean;
  /** The clock of the store, in milliseconds since 1970. Default: that of the machine. */
  readonly wallMs?: () => number;
  /** What keys are for, so that traffic tells it. Default: all are of one class. */
  readonly classOf?: ClassOf;
}

/**
 * A store in memory. It forgets its objects with the process; all else is as the interface has it.
 *
 * @example
 * ```ts
 * import { MemoryStore, newId, readWhole } from '@blockyard/object-store';
 *
 * const store = new MemoryStore();
 * const put = () => store.put('root', Buffer.from('mine'), 'absent', newId());
 * console.log((await put()).kind); // stored
 * console.log((await put()).kind); // lost
 * console.log(new TextDecoder().decode((await readWhole(store, 'root', 100))?.bytes)); // mine
 * ```
 */
export class MemoryStore implements ObjectStore {
  readonly objects: MemoryObjects;
  readonly dates: LocalDates;
  readonly traffic: TrafficCounter;
  readonly #name: string;
  readonly #abilities: StoreAbilities;
  readonly #listsInOrder: boolean;
  readonly #wallMs: () => number;
  #isClosed = false;

  constructor(options: MemoryStoreOptions = {}) {
    const { conditionalPuts = true, conditionalDeletes = true, listsInOrder = true, wallMs = Date.now } = options;
    this.objects = options.objects ?? new Map();
    this.#name = options.name ?? 'memory:';
    this.#abilities = { conditionalPuts, conditionalDeletes, refusal: undefined };
    this.#listsInOrder = listsInOrder;
    this.#wallMs = wallMs;
    this.traffic = new TrafficCounter(options.classOf);
    this.dates = new LocalDates(wallMs);
  }

  urlOf(key: string): string {
    return this.#name + key;
  }

  async get(key: string, { offset, lengthBytes }: ByteRange, open: OpenSink): Promise<GetResult> {
    this.#begin(`GET ${this.urlOf(key)}`);
    this.traffic.sent('get', key);
    const found = this.objects.get(key);
    this.dates.answered(key, found?.modifiedMs);
    if (found === undefined) return undefined;
    if (offset >= found.sizeBytes) return 'beyond';
    const sink = open(versionOf(found));
    if (sink === undefined) return versionOf(found);
    // A copy: what a sink keeps is not to change the object.
    const bytes = found.body.slice(offset, offset + lengthBytes);
    this.traffic.received(key, bytes.byteLength);
    sink.push(bytes);
    sink.end();
    return versionOf(found);
  }

  async head(key: string): Promise<ObjectVersion | undefined> {
    this.#begin(`HEAD ${this.urlOf(key)}`);
    this.traffic.sent('head', key);
    const found = this.objects.get(key);
    this.dates.answered(key, found?.modifiedMs);
    return found && versionOf(found);
  }

  async put(key: string, body: Uint8Array, condition: Condition, stamp: string): Promise<PutResult> {
    try {
      this.#begin(`PUT ${this.urlOf(key)}`);
      checkKey(key);
      checkStamp(stamp);
    } catch (error) {
      return { kind: 'failed', error: error as BlockError, late: false };
    }
    this.traffic.sent('put', key, body.byteLength);
    const found = this.objects.get(key);
    if (this.#abilities.conditionalPuts && !holds(condition, found)) {
      this.dates.answered(key, found?.modifiedMs);
      if (found?.stamp === stamp) return { kind: 'stored', etag: found.etag, late: false };
      return { kind: 'lost', found: found && versionOf(found), late: false };
    }
    const etag = `"${newId()}"`;
    const modifiedMs = this.#wallMs();
    this.objects.set(key, { etag, sizeBytes: body.byteLength, stamp, body: new Uint8Array(body), modifiedMs });
    this.dates.answered(key, modifiedMs);
    return { kind: 'stored', etag, late: false };
  }

  async delete(objects: readonly Deletion[]): Promise<DeleteResult[]> {
    this.#begin(`DELETE ${objects.length} objects, first ${this.urlOf(objects[0]?.key ?? '')}`);
    this.traffic.sent('delete', objects[0]?.key ?? '');
    this.dates.answered();
    return objects.map(({ key, etag }) => {
      const found = this.objects.get(key);
      if (found === undefined) return 'gone';
      if (this.#abilities.conditionalDeletes && etag !== undefined && etag !== found.etag) return 'changed';
      this.objects.delete(key);
      return 'gone';
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<readonly Listed[], void> {
    const what = `LIST ${this.urlOf(prefix)}`;
    if (options.inOrder === true && !this.#listsInOrder) {
      throw new BlockError('UNSUPPORTED', `${what}: the store does not list in order`);
    }
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix));
    for (const page of pagesOf(keys, options, what, this.#listsInOrder)) {
      this.#begin(what);
      this.traffic.sent('list', prefix);
      this.dates.answered();
      yield page.flatMap((key) => {
        const found = this.objects.get(key);
        if (found === undefined) return [];
        const { etag, sizeBytes, modifiedMs } = found;
        return [{ key, etag, sizeBytes, modifiedMs }];
      });
    }
  }

  /** Without any request: it has the abilities that it was made with. */
  async probe({ scratchPrefix, inOrder, whileScratchExists }: ProbeOptions): Promise<StoreAbilities> {
    if (inOrder === true && !this.#listsInOrder) {
      throw new BlockError('UNSUPPORTED', `LIST ${this.urlOf(scratchPrefix)}: the store does not list in order`);
    }
    await withScratch(this, scratchPrefix, whileScratchExists);
    return this.#abilities;
  }

  close(): void {
    this.#isClosed = true;
  }

  #begin(what: string): void {
    if (this.#isClosed) throw new BlockError('DISCONNECTED', `${what}: the store was closed`);
  }
}

function versionOf({ etag, sizeBytes, stamp }: MemoryObject): ObjectVersion {
  return { etag, sizeBytes, stamp };
}
