import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { BlockError, isBlockError } from '@blockyard/block';
import {
  type ByteRange,
  busy,
  type Condition,
  checkListOptions,
  type DeleteResult,
  type Deletion,
  type GetResult,
  type Listed,
  type ListOptions,
  MAX_BATCH_KEYS,
  type ObjectStore,
  type ObjectVersion,
  type OpenSink,
  type ProbeOptions,
  type PutResult,
  readInto,
  type StoreAbilities,
  type TrafficCounter,
} from '@blockyard/object-store';
import { ClientDates } from './dates.js';
import { Direct, type DirectOptions } from './direct/direct.js';
import type { Link } from './link/link.js';
import type { S3StoreSnapshot } from './link/snapshot.js';
import { isBusy, isLostCondition, isMissingKey, isRangeBeyondEnd, toBlockError } from './link/store-error.js';
import type { SendOptions } from './link/transport.js';
import { probe } from './probe/probe.js';
import { checkAnswers } from './requests/answers.js';
import { Attempts } from './requests/attempts.js';
import { Deletes } from './requests/deletes.js';
import { canonicalEtag, conditionEtag, type EtagForm } from './requests/etag.js';
import { getPage, StrangePage } from './requests/list-page.js';
import { listPages } from './requests/list-pages.js';
import { stampOf } from './requests/metadata.js';
import { type PutRequest, putObject } from './requests/put-object.js';
import { Spoilt } from './requests/range-taker.js';
import { getRange } from './requests/ranged-get.js';
import type { Ways } from './requests/ways.js';

/** Times that a GET or a PUT is made again because the store was busy with the same key. */
const REPEATS_MAX = 3;

export interface S3ObjectStoreOptions {
  readonly bucket: string;
  readonly isData: (key: string) => boolean;
  /** For a client that was made for this store, and is destroyed with it. Undefined: the client is the caller's. */
  readonly direct: Omit<DirectOptions, 'onAnswer'> | undefined;
  readonly traffic: TrafficCounter;
}

/** One bucket of an S3-compatible store. */
export class S3ObjectStore implements ObjectStore {
  /** False for a store that ignores conditions: they are not sent then, since some take them wrongly rather than not at all. */
  conditionalPuts = true;
  /** How the store wants ETags written in conditions. */
  etagForm: EtagForm = 'quoted';
  readonly dates: ClientDates;
  readonly traffic: TrafficCounter;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #isData: (key: string) => boolean;
  readonly #link: Link;
  readonly #deletes: Deletes;
  readonly #ways: Ways;

  constructor(client: S3Client, link: Link, options: S3ObjectStoreOptions) {
    this.#client = client;
    this.dates = new ClientDates(client);
    this.#link = link;
    this.traffic = options.traffic;
    this.#bucket = options.bucket;
    this.#isData = options.isData;
    const { direct } = options;
    const onAnswer: DirectOptions['onAnswer'] = (key, headers) => this.dates.note(key, headers);
    this.#ways = { client, direct: direct && new Direct(client, { ...direct, onAnswer }) };
    this.#deletes = new Deletes({
      client,
      bucket: options.bucket,
      link,
      urlOf: (key) => this.urlOf(key),
      head: (key) => this.head(key),
    });
  }

  urlOf(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }

  async get(key: string, range: ByteRange, open: OpenSink): Promise<GetResult> {
    const what = `GET ${this.urlOf(key)}`;
    const isAnswer = (error: unknown) => isMissingKey(error) || isRangeBeyondEnd(error) || isBusy(error);
    const { offset, lengthBytes } = range;
    const wish = { kind: 'get', key, what, downloadBytes: lengthBytes, isData: this.#isData(key), isAnswer } as const;
    for (let repeats = 0; ; repeats++) {
      try {
        const request = { bucket: this.#bucket, key, range, open, traffic: this.traffic };
        const send = (options: SendOptions) => getRange(this.#ways, request, options);
        const { version, whole } = await this.#link.run(wish, send);
        if (whole && offset > 0 && version.sizeBytes < offset + lengthBytes) await this.#checkEnd(key, version);
        return version;
      } catch (error) {
        if (isMissingKey(error)) return undefined;
        if (isRangeBeyondEnd(error)) return 'beyond';
        if (!isBusy(error)) throw whatSpoilt(error);
        if (repeats === REPEATS_MAX) return 'busy';
      }
    }
  }

  head(key: string): Promise<ObjectVersion | undefined> {
    return this.#head(key, false);
  }

  /** `once`: without waiting for a store that is away. */
  async #head(key: string, once: boolean): Promise<ObjectVersion | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: key });
    checkAnswers(command, { etag: true });
    const what = `HEAD ${this.urlOf(key)}`;
    try {
      const wish = { kind: 'head', key, what, isAnswer: isMissingKey, once } as const;
      const found = await this.#link.run(wish, (options) => this.#client.send(command, options));
      const etag = canonicalEtag(found.ETag, `${what}: the ETag is empty`);
      const { ContentLength: sizeBytes = await this.#sizeOf(key) } = found;
      return { etag, sizeBytes, stamp: stampOf(found.Metadata) };
    } catch (error) {
      if (isMissingKey(error)) return undefined;
      throw error;
    }
  }

  /**
   * What the answer leaves open is settled by looking: a condition may be refused because our own first attempt, the answer to
   * which was lost, was carried out; a time-out may have come after the store was done. The stamp tells.
   */
  async put(key: string, body: Uint8Array, condition: Condition, stamp: string): Promise<PutResult> {
    const what = `PUT ${this.urlOf(key)}`;
    const conditions = this.conditionalPuts ? this.#headersOf(condition) : {};
    const request = { bucket: this.#bucket, key, body, stamp, ...conditions };
    const attempts = new Attempts();
    const isData = this.#isData(key);
    const wish = { kind: 'put', key, what, uploadBytes: body.byteLength, isData, isAnswer: isLostCondition } as const;
    for (let repeats = 0; ; repeats++) {
      try {
        const put = await this.#link.run(wish, (options) => putObject(this.#ways, request, attempts, options));
        return { kind: 'stored', etag: canonicalEtag(put, `${what}: the ETag is empty`), late: attempts.unanswered };
      } catch (error) {
        if (!attempts.unanswered && !isLostCondition(error)) {
          return { kind: 'failed', error: toBlockError(error, what), late: false };
        }
        const settled = await this.#settle(key, condition, stamp, !isLostCondition(error));
        if (settled.kind === 'unknown') {
          // A refused condition alone is no reason to fail: not to know why it was refused is one.
          const reason = isLostCondition(error) ? settled.error : error;
          return { kind: 'failed', error: toBlockError(reason, what), late: attempts.unanswered };
        }
        if (settled.kind === 'unchanged' && (!isLostCondition(error) || repeats === REPEATS_MAX)) {
          return { kind: 'failed', error: toBlockError(error, what), late: attempts.unanswered };
        }
        // Unchanged: the store was busy with the same key (409) and wants us to come again.
        if (settled.kind !== 'unchanged') return { ...settled, late: attempts.unanswered };
      }
    }
  }

  delete(objects: readonly Deletion[]): Promise<DeleteResult[]> {
    return this.#deletes.run(
      objects.map(({ key, etag }) => ({
        key,
        etag: etag === undefined ? undefined : conditionEtag(etag, this.etagForm),
      })),
    );
  }

  /** `CORRUPT` or `UNSUPPORTED` if a page cannot be what the bucket has. */
  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<readonly Listed[], void> {
    const what = `LIST ${this.urlOf(prefix)}`;
    checkListOptions(options, what);
    const { inOrder = false, after, reaches, maxKeys = MAX_BATCH_KEYS } = options;
    const wish = {
      kind: 'list',
      key: prefix,
      what,
      isAnswer: (error: unknown) => error instanceof StrangePage,
    } as const;
    yield* listPages(
      (request) => this.#link.run(wish, (sending) => getPage(this.#client, request, sending)),
      { bucket: this.#bucket, prefix, inOrder, after, reaches, maxKeys },
      what,
    );
  }

  /** What it has done, and how the store is, at this moment. */
  snapshot(): S3StoreSnapshot {
    return this.#link.snapshot();
  }

  async probe(options: ProbeOptions): Promise<StoreAbilities> {
    return probe(this, options);
  }

  /** Aborts what is in flight, refuses what comes later, and closes the connections of a client that is not the caller's. */
  close(): void {
    this.#link.close();
    this.dates.close();
    if (this.#ways.direct === undefined) return;
    this.#ways.direct.close();
    this.#client.destroy();
  }

  /**
   * An answer without a range may be the whole object, or a part of it that does not say so, and then there would be zeroes
   * where the object goes on. `UNSUPPORTED` unless the object ends where the answer did.
   */
  async #checkEnd(key: string, { etag, sizeBytes }: ObjectVersion): Promise<void> {
    const found = await this.head(key);
    if (found?.etag === etag && found.sizeBytes === sizeBytes) return;
    throw new BlockError(
      'UNSUPPORTED',
      `GET ${this.urlOf(key)}: the store does not say which part of the object it gave`,
    );
  }

  /** Bytes of an object, for a proxy that leaves them out of its answers to HEAD. */
  async #sizeOf(key: string): Promise<number> {
    const version = await readInto(this, key, [new Uint8Array(1)], 0);
    if (version === 'busy' || version === undefined) throw busy(this.urlOf(key));
    return version === 'beyond' ? 0 : version.sizeBytes;
  }

  #headersOf(condition: Condition): Pick<PutRequest, 'ifMatch' | 'ifNoneMatch'> {
    if (condition === 'any') return {};
    if (condition === 'absent') return { ifNoneMatch: '*' };
    return { ifMatch: conditionEtag(condition.etag, this.etagForm) };
  }

  /** Finds out whether a PUT that ended without a clear answer was carried out. `once`: there has been waiting enough. */
  async #settle(key: string, condition: Condition, stamp: string, once: boolean): Promise<Settled> {
    let found: ObjectVersion | undefined;
    try {
      found = await this.#head(key, once);
    } catch (error) {
      return { kind: 'unknown', error };
    }
    if (found?.stamp === stamp) return { kind: 'stored', etag: found.etag };
    if (condition === 'any') return { kind: 'unchanged' };
    const expected = condition === 'absent' ? undefined : condition.etag;
    return found?.etag === expected ? { kind: 'unchanged' } : { kind: 'lost', found };
  }
}

type Settled =
  | { readonly kind: 'unknown'; readonly error: unknown }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'stored'; readonly etag: string }
  | { readonly kind: 'lost'; readonly found: ObjectVersion | undefined };

/** An object that is damaged, rather than that its answers were strange. */
function whatSpoilt(error: unknown): unknown {
  const spoilt = error instanceof BlockError ? error.cause : undefined;
  return spoilt instanceof Spoilt && isBlockError(spoilt.cause) ? spoilt.cause : error;
}
