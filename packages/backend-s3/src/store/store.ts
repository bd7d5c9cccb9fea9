import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { BlockError, byteLengthOf, isBlockError } from '@blockyard/block';
import { checkAnswers } from './answers.js';
import { watchAttempts } from './attempts.js';
import { type DeleteResult, Deletes } from './deletes.js';
import { canonicalEtag, conditionEtag, type EtagForm } from './etag.js';
import type { Link } from './link.js';
import { getPage, type Listed, StrangePage } from './list-page.js';
import { listPages } from './list-pages.js';
import { type ByteRange, getRange, type OpenSink, Spoilt } from './ranged-get.js';
import { Scatter } from './scatter.js';
import { decodeStamp, encodeStamp, type Stamp } from '../objects/stamp.js';
import { StoreDates } from './store-dates.js';
import { isBusy, isLostCondition, isMissingKey, isRangeBeyondEnd, toBlockError } from './store-error.js';
import type { SendOptions } from './transport.js';
import type { Version } from '../objects/version.js';

/** Keys that S3 takes in one DeleteObjects, and gives in one page of a listing. */
export const BATCH_KEYS_MAX = 1000;

/** Times that a GET or a PUT is made again because the store was busy with the same key. */
const REPEATS_MAX = 3;

/** What must be so for a PUT to happen: no such object, or that very version of it. */
export type Condition = 'absent' | { readonly etag: string };

/**
 * What became of a PUT. `late`: an attempt at it was not answered, so it may still arrive, and is then carried out if its condition
 * happens to hold.
 */
export type PutResult =
  | { readonly kind: 'stored'; readonly etag: string; readonly late: boolean }
  /** The condition does not hold; `found` is what is there instead. */
  | { readonly kind: 'lost'; readonly found: Version | undefined; readonly late: boolean }
  /** Not stored, or, if it is `late`, nobody knows. */
  | { readonly kind: 'failed'; readonly error: BlockError; readonly late: boolean };

/** What a listing is asked for: the keys after `after`, up to and past the key `reaches`, which exists. */
export interface ListOptions {
  readonly after?: string | undefined;
  readonly reaches?: string | undefined;
  /** Keys in a page, at most {@link BATCH_KEYS_MAX}, the default. */
  readonly keysMax?: number | undefined;
}

/**
 * The five requests that a volume is made of, on one bucket. Errors are BlockErrors that name the request, the bucket and
 * the key; what a caller has to expect (no such key, a lost condition) is a result.
 */
export class ObjectStore {
  /** False for a store that ignores conditions: they are not sent then, since some take them wrongly rather than not at all. */
  conditionalPuts = true;
  /** How the store wants ETags written in conditions. */
  etagForm: EtagForm = 'quoted';
  /** The clocks of the store. */
  readonly dates: StoreDates;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #dataPrefix: string;
  readonly #link: Link;
  readonly #deletes: Deletes;
  readonly #destroyClient: boolean;

  constructor(client: S3Client, link: Link, options: { bucket: string; dataPrefix: string; destroyClient: boolean }) {
    this.#client = client;
    this.dates = new StoreDates(client);
    this.#link = link;
    this.#bucket = options.bucket;
    this.#dataPrefix = options.dataPrefix;
    this.#destroyClient = options.destroyClient;
    this.#deletes = new Deletes({
      client,
      bucket: options.bucket,
      link,
      urlOf: (key) => this.urlOf(key),
      head: (key) => this.head(key),
    });
  }

  /** For messages. */
  urlOf(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }

  /**
   * Gives a range of the object's bytes to the sink that `open` chooses, as they come from the connection, as far as the object
   * has them. Resolves with the version that they are of, or with undefined if there is no such key.
   *
   * The version is not known (`'beyond'`) where the object ends before the range. `'busy'`: the store could not answer because
   * the object was being replaced, several times over.
   */
  async get(key: string, range: ByteRange, open: OpenSink): Promise<Version | 'beyond' | 'busy' | undefined> {
    const what = `GET ${this.urlOf(key)}`;
    const object = { Bucket: this.#bucket, Key: key };
    const isAnswer = (error: unknown) => isMissingKey(error) || isRangeBeyondEnd(error) || isBusy(error);
    const { offset, lengthBytes } = range;
    const wish = { what, downloadBytes: lengthBytes, isData: key.startsWith(this.#dataPrefix), isAnswer };
    for (let repeats = 0; ; repeats++) {
      try {
        const send = (options: SendOptions) => getRange(this.#client, object, range, open, options);
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

  /** {@link get} into buffers, one after the other, with zeroes past the object's end. */
  fill(key: string, target: readonly Uint8Array[], offset: number): ReturnType<ObjectStore['get']> {
    return this.get(key, { offset, lengthBytes: byteLengthOf(target) }, () => new Scatter(target));
  }

  /** All of a small object: `CORRUPT` if it has more than `bytesMax` bytes. */
  async getSmall(key: string, bytesMax: number): Promise<{ version: Version; bytes: Uint8Array } | undefined> {
    const bytes = new Uint8Array(bytesMax);
    const version = await this.fill(key, [bytes], 0);
    if (version === undefined) return undefined;
    if (version === 'busy') throw busy(this.urlOf(key));
    if (version === 'beyond') throw new BlockError('CORRUPT', `${this.urlOf(key)}: is empty`);
    if (version.sizeBytes > bytesMax) {
      throw new BlockError('CORRUPT', `${this.urlOf(key)}: has ${version.sizeBytes} bytes, more than ${bytesMax}`);
    }
    return { version, bytes: bytes.subarray(0, version.sizeBytes) };
  }

  head(key: string): Promise<Version | undefined> {
    return this.#head(key, false);
  }

  /** `once`: without waiting for a store that is away. */
  async #head(key: string, once: boolean): Promise<Version | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: key });
    checkAnswers(command, { etag: true });
    const what = `HEAD ${this.urlOf(key)}`;
    try {
      const wish = { what, isAnswer: isMissingKey, once };
      const found = await this.#link.run(wish, (options) => this.#client.send(command, options));
      const etag = canonicalEtag(found.ETag, `${what}: the ETag is empty`);
      const { ContentLength: sizeBytes = await this.#sizeOf(key) } = found;
      return { etag, sizeBytes, stamp: decodeStamp(found.Metadata) };
    } catch (error) {
      if (isMissingKey(error)) return undefined;
      throw error;
    }
  }

  /**
   * Stores an object if `condition` holds. Never throws.
   *
   * What the answer leaves open is settled by looking: a refused condition may be our own first attempt, the answer to which
   * was lost, come back to us through the SDK's second; a time-out may have come after the store was done. The stamp tells.
   */
  async put(key: string, body: Uint8Array, condition: Condition, stamp: Stamp): Promise<PutResult> {
    const what = `PUT ${this.urlOf(key)}`;
    const when =
      condition === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: conditionEtag(condition.etag, this.etagForm) };
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: body,
      Metadata: encodeStamp(stamp),
      ...(this.conditionalPuts ? when : {}),
    });
    checkAnswers(command, { etag: true });
    const attempts = watchAttempts(command);
    const isData = key.startsWith(this.#dataPrefix);
    const wish = { what, uploadBytes: body.byteLength, isData, isAnswer: isLostCondition };
    for (let repeats = 0; ; repeats++) {
      try {
        const { ETag } = await this.#link.run(wish, (options) => this.#client.send(command, options));
        return { kind: 'stored', etag: canonicalEtag(ETag, `${what}: the ETag is empty`), late: attempts.unanswered };
      } catch (error) {
        if (!attempts.unanswered && !isLostCondition(error)) {
          return { kind: 'failed', error: toBlockError(error, what), late: false };
        }
        const settled = await this.#settle(key, condition, stamp, !isLostCondition(error));
        if (settled.kind === 'unknown') {
          // A refused condition alone is no reason to fail: that nobody knows why it was refused is.
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

  /** Deletes up to a thousand objects; with an ETag only that version, where the store honours it. */
  deleteBatch(objects: readonly { key: string; etag?: string | undefined }[]): Promise<DeleteResult[]> {
    return this.#deletes.run(
      objects.map(({ key, etag }) => ({
        key,
        etag: etag === undefined ? undefined : conditionEtag(etag, this.etagForm),
      })),
    );
  }

  /**
   * Keys under `prefix`, in order, a page at a time. `CORRUPT` or `UNSUPPORTED` if a page cannot be what the bucket has.
   *
   * With `reaches` the listing ends past that key, or not at all: whoever goes through it stops there.
   */
  list(
    prefix: string,
    { after, reaches, keysMax = BATCH_KEYS_MAX }: ListOptions = {},
  ): AsyncGenerator<readonly Listed[], void> {
    const what = `LIST ${this.urlOf(prefix)}`;
    return listPages(
      (request) =>
        this.#link.run({ what, isAnswer: (error) => error instanceof StrangePage }, (options) =>
          getPage(this.#client, request, options),
        ),
      { bucket: this.#bucket, prefix, after, reaches, keysMax },
      what,
    );
  }

  /** Aborts what is in flight, refuses what comes later, and closes the connections of a client that is not the caller's. */
  close(): void {
    this.#link.close();
    this.dates.close();
    if (this.#destroyClient) this.#client.destroy();
  }

  /**
   * An answer without a range may be the whole object, or a part of it that does not say so, and then there would be zeroes where
   * the object goes on. `UNSUPPORTED` unless the object ends where the answer did.
   */
  async #checkEnd(key: string, { etag, sizeBytes }: Version): Promise<void> {
    const found = await this.head(key);
    if (found?.etag === etag && found.sizeBytes === sizeBytes) return;
    throw new BlockError(
      'UNSUPPORTED',
      `GET ${this.urlOf(key)}: the store does not say which part of the object it gave`,
    );
  }

  /** Bytes of an object, for a proxy that leaves them out of its answers to HEAD. */
  async #sizeOf(key: string): Promise<number> {
    const version = await this.fill(key, [new Uint8Array(1)], 0);
    if (version === 'busy' || version === undefined) throw busy(this.urlOf(key));
    return version === 'beyond' ? 0 : version.sizeBytes;
  }

  /** What became of a PUT that ended without a clear answer. `once`: there has been waiting enough. */
  async #settle(key: string, condition: Condition, stamp: Stamp, once: boolean): Promise<Settled> {
    const expected = condition === 'absent' ? undefined : condition.etag;
    let found: Version | undefined;
    try {
      found = await this.#head(key, once);
    } catch (error) {
      return { kind: 'unknown', error };
    }
    if (found?.stamp?.writeId === stamp.writeId) return { kind: 'stored', etag: found.etag };
    return found?.etag === expected ? { kind: 'unchanged' } : { kind: 'lost', found };
  }
}

type Settled =
  | { readonly kind: 'unknown'; readonly error: unknown }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'stored'; readonly etag: string }
  | { readonly kind: 'lost'; readonly found: Version | undefined };

/** For a `'busy'` that cannot be helped. */
export function busy(url: string): BlockError {
  return new BlockError('UNAVAILABLE', `${url}: is being replaced all the time`);
}

/** An object that is damaged, rather than that its answers were strange. */
function whatSpoilt(error: unknown): unknown {
  const spoilt = error instanceof BlockError ? error.cause : undefined;
  return spoilt instanceof Spoilt && isBlockError(spoilt.cause) ? spoilt.cause : error;
}
