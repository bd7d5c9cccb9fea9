import type {
  ByteRange,
  Condition,
  DeleteResult,
  Deletion,
  GetResult,
  Listed,
  ListOptions,
  ObjectStore,
  ObjectVersion,
  OpenSink,
  ProbeOptions,
  PutResult,
  StoreAbilities,
  StoreDates,
  Traffic,
} from '@blockyard/object-store';
import type { ObjectIdentity, Scopes } from './identity/scopes.js';
import type { Settings } from './options.js';
import type { Held } from './reading/held.js';
import { isSameVersion } from './reading/record-reader.js';
import { Tee } from './reading/tee.js';
import { partsOf } from './regions/range.js';
import type { Session } from './session.js';
import type { ObjectCacheSnapshot } from './snapshot.js';
import type { Tier } from './tier.js';

/** An object store that keeps what it can on a medium. */
export interface CachedObjectStore extends ObjectStore {
  /**
   * What it has of a range on the medium, as far as memory tells: to within a 256th of a part, and nothing is read for it.
   */
  has(key: string, range: ByteRange): readonly ByteRange[];
  /** What it has and has done. */
  snapshot(): ObjectCacheSnapshot;
  /** Resolves when what was asked for so far is on the medium, as far as it is kept: for tests and for those who measure. */
  idle(): Promise<void>;
  /**
   * For an end that is to be short: writes what the end would have to write, and keeps nothing further until `stay`. Never rejects.
   */
  prepareToLeave(): Promise<void>;
  /** The end does not come: keeps what comes again. */
  stay(): void;
  /** Resolves once the store was closed and the medium is disconnected, with all that was kept on it. Never rejects. */
  readonly ended: Promise<void>;
}

interface Request {
  readonly key: string;
  readonly range: ByteRange;
  readonly open: OpenSink;
  readonly object: ObjectIdentity;
  /** Of the medium that can be used. */
  readonly session: Session | undefined;
}

export class CachedStore implements CachedObjectStore {
  readonly ended: Promise<void>;
  readonly #store: ObjectStore;
  readonly #scopes: Scopes;
  readonly #tier: Tier;
  readonly #counts = { hits: 0, partialHits: 0, misses: 0, hitBytes: 0, fetchedBytes: 0 };
  /** Counts what was deleted or replaced: what was fetched meanwhile may be of before. */
  #changes = 0;
  #isClosed = false;
  #lastAsked: { readonly key: string; readonly object: ObjectIdentity | undefined } | undefined;
  #end: () => void = () => {};

  constructor({ store, scopes }: Settings, tier: Tier) {
    this.#store = store;
    this.#scopes = scopes;
    this.#tier = tier;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get dates(): StoreDates {
    return this.#store.dates;
  }

  /** That of the store below: what the medium answered is not in it. */
  get traffic(): Traffic {
    return this.#store.traffic;
  }

  urlOf(key: string): string {
    return this.#store.urlOf(key);
  }

  async get(key: string, range: ByteRange, open: OpenSink): Promise<GetResult> {
    const object = this.#isClosed ? undefined : this.#scopes.identityOf(key);
    if (object === undefined) return this.#store.get(key, range, open);
    const session = this.#tier.usable;
    const request = { key, range, open, object, session };
    const held = await session?.read(object, range);
    if (held === undefined || this.#isClosed) return this.#fetch(request);
    if (held.missing !== undefined) return this.#fetch(request, held);
    return this.#serve(held, open);
  }

  head(key: string): Promise<ObjectVersion | undefined> {
    return this.#store.head(key);
  }

  async put(key: string, body: Uint8Array, condition: Condition, stamp: string): Promise<PutResult> {
    const object = this.#scopes.identityOf(key);
    if (object === undefined) return this.#store.put(key, body, condition, stamp);
    // No one should replace what never changes. If it is replaced, the old bytes are served no longer.
    if (condition !== 'absent') this.#forget(object);
    const changes = this.#changes;
    const result = await this.#store.put(key, body, condition, stamp);
    if (condition !== 'absent') {
      this.#forget(object);
    } else if (result.kind === 'stored' && changes === this.#changes) {
      this.#tier.forget(object);
      this.#tier.usable?.keep(object, { etag: result.etag, sizeBytes: body.byteLength, stamp }, 0, body);
    }
    return result;
  }

  async delete(objects: readonly Deletion[]): Promise<DeleteResult[]> {
    const forget = () => {
      for (const { key } of objects) {
        const object = this.#scopes.identityOf(key);
        if (object !== undefined) this.#forget(object);
      }
    };
    forget();
    try {
      return await this.#store.delete(objects);
    } finally {
      forget();
    }
  }

  list(prefix: string, options?: ListOptions): AsyncGenerator<readonly Listed[], void> {
    return this.#store.list(prefix, options);
  }

  probe(options: ProbeOptions): Promise<StoreAbilities> {
    return this.#store.probe(options);
  }

  close(): void {
    this.#store.close();
    if (this.#isClosed) return;
    this.#isClosed = true;
    void this.#tier.end().finally(this.#end);
  }

  has(key: string, range: ByteRange): readonly ByteRange[] {
    const session = this.#tier.usable;
    if (session === undefined || this.#isClosed) return [];
    // One asks for the ranges of an object in a row, and an identity is a hash.
    if (this.#lastAsked?.key !== key) this.#lastAsked = { key, object: this.#scopes.identityOf(key) };
    const { object } = this.#lastAsked;
    return object === undefined ? [] : session.has(object, range);
  }

  idle(): Promise<void> {
    return this.#tier.idle();
  }

  prepareToLeave(): Promise<void> {
    return this.#tier.hold();
  }

  stay(): void {
    this.#tier.release();
  }

  snapshot(): ObjectCacheSnapshot {
    const { medium, session, state, error, times } = this.#tier;
    const { readBytes, readCalls, writtenBytes } = medium;
    return {
      medium: { name: medium.info.name, state, error, ...times, readBytes, readCalls, writtenBytes },
      isLoading: session?.isLoading ?? false,
      ranges: session?.table.count ?? 0,
      capacityBytes: session === undefined ? 0 : session.layout.regions * session.layout.regionBytes,
      memoryBytes: session?.memoryBytes ?? 0,
      ...this.#counts,
      keptBytes: session?.appender.keptBytes ?? 0,
      carriedBytes: session?.appender.carriedBytes ?? 0,
      evictedRegions: session?.appender.evictedRegions ?? 0,
      damagedRanges: session?.damagedRanges ?? 0,
    };
  }

  #serve({ version, before }: Held, open: OpenSink): ObjectVersion {
    this.#counts.hits++;
    const sink = open(version);
    if (sink === undefined) return version;
    for (const { bytes } of before) {
      this.#counts.hitBytes += bytes.byteLength;
      sink.push(bytes);
    }
    sink.end();
    return version;
  }

  /** Fetches what is asked for, or of that what the medium does not have, in one request. */
  async #fetch(request: Request, held?: Held): Promise<GetResult> {
    const { key, open, object, session } = request;
    const range = held?.missing ?? request.range;
    const changes = this.#changes;
    let isOther = false;
    let tee: Tee | undefined;
    let worthy: ReadonlySet<number> | undefined;
    const result = await this.#store.get(key, range, (version) => {
      isOther = held !== undefined && !isSameVersion(version, held.version);
      const sink = isOther ? undefined : open(version);
      if (sink === undefined) return undefined;
      worthy ??= session === undefined ? new Set() : worthyParts(session, object, range, version);
      tee = new Tee(sink, held, worthy.size > 0);
      return tee;
    });
    if (isOther || (held !== undefined && typeof result !== 'object')) this.#forget(object);
    if (isOther) return this.#fetch(request);
    this.#count(held, tee);
    const copy = tee?.copy;
    if (copy !== undefined && typeof result === 'object' && changes === this.#changes) {
      session?.keep(object, result, range.offset, copy, (part) => worthy?.has(part) === true);
    }
    return result;
  }

  #count(held: Held | undefined, tee: Tee | undefined): void {
    if (held === undefined) this.#counts.misses++;
    else this.#counts.partialHits++;
    this.#counts.hitBytes += tee?.heldBytes ?? 0;
    this.#counts.fetchedBytes += tee?.fetchedBytes ?? 0;
  }

  #forget(object: ObjectIdentity): void {
    this.#changes++;
    this.#tier.forget(object);
  }
}

/** Parts of the range that are asked for the second time. Asking makes it the first, or the next. */
function worthyParts(
  session: Session,
  object: ObjectIdentity,
  { offset, lengthBytes }: ByteRange,
  { sizeBytes }: ObjectVersion,
): ReadonlySet<number> {
  const worthy = new Set<number>();
  for (const each of partsOf(session.layout, offset, Math.min(offset + lengthBytes, sizeBytes))) {
    if (session.isWorthIt(object, each.part, each.offset)) worthy.add(each.part);
  }
  return worthy;
}
