import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { BlockError, byteLengthOf } from '@blockyard/block';
import { watchAttempts } from './attempts.js';
import { BrokenOff, getRange } from './ranged-get.js';
import { Requests } from './requests.js';
import { Scatter } from './scatter.js';
import { decodeStamp, encodeStamp, type Stamp } from './stamp.js';
import { isBusy, isLostCondition, isMissingKey, isRangeBeyondEnd, toBlockError } from './store-error.js';
import { present, type Version } from './version.js';

/** Keys that S3 takes in one DeleteObjects, and gives in one page of a listing. */
export const BATCH_KEYS_MAX = 1000;

/** Times that a GET is made again because its body broke off, and a PUT because the store was busy with the same key. */
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

export interface Listed {
  readonly key: string;
  readonly etag: string;
}

/** What stores call it when an object is another version, or becomes one, as it is to be deleted. */
const CHANGED = ['PreconditionFailed', 'ConditionalRequestConflict', 'ConcurrentModification'];

/** Per key: gone now, another version is there, or an error. */
export type DeleteResult = 'gone' | 'changed' | BlockError;

/**
 * The five requests that a volume is made of, on one bucket. Errors are BlockErrors that name the request, the bucket and
 * the key; what a caller has to expect (no such key, a lost condition) is a result.
 */
export class ObjectStore {
  /** False for a store that ignores conditions: they are not sent then, since some take them wrongly rather than not at all. */
  conditionalPuts = true;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #requests: Requests;
  readonly #destroyClient: boolean;

  constructor(client: S3Client, options: { bucket: string; deadlineMs: number; destroyClient: boolean }) {
    this.#client = client;
    this.#bucket = options.bucket;
    this.#requests = new Requests(options.deadlineMs);
    this.#destroyClient = options.destroyClient;
  }

  /** For messages. */
  urlOf(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }

  /**
   * Fills `target` with the object's bytes from `offset` on, straight from the connection, and with zeroes past its end.
   * Gives the version that the bytes are of, or undefined if there is no such key.
   *
   * The version is not known (`'beyond'`) where the object ends before `offset`. `'busy'`: the store could not answer because
   * the object was being replaced, several times over.
   */
  async get(
    key: string,
    target: readonly Uint8Array[],
    offset: number,
  ): Promise<Version | 'beyond' | 'busy' | undefined> {
    const what = `GET ${this.urlOf(key)}`;
    const object = { Bucket: this.#bucket, Key: key };
    const range = { offset, lengthBytes: byteLengthOf(target) };
    const expected = (error: unknown) =>
      isMissingKey(error) || isRangeBeyondEnd(error) || isBusy(error) || error instanceof BrokenOff;
    for (let repeats = 0; ; repeats++) {
      try {
        return await this.#requests.run(
          what,
          (abortSignal) => getRange(this.#client, object, target, range, abortSignal),
          expected,
        );
      } catch (error) {
        if (isMissingKey(error)) return undefined;
        if (isRangeBeyondEnd(error)) {
          new Scatter(target).zeroRest();
          return 'beyond';
        }
        const brokeOff = error instanceof BrokenOff;
        if (!brokeOff && !isBusy(error)) throw error;
        if (repeats < REPEATS_MAX) continue;
        if (!brokeOff) return 'busy';
        throw toBlockError(error.cause, `${what} broke off ${repeats + 1} times`);
      }
    }
  }

  /** All of a small object: `CORRUPT` if it has more than `bytesMax` bytes. */
  async getSmall(key: string, bytesMax: number): Promise<{ version: Version; bytes: Uint8Array } | undefined> {
    const bytes = new Uint8Array(bytesMax);
    const version = await this.get(key, [bytes], 0);
    if (version === undefined) return undefined;
    if (version === 'busy') throw busy(this.urlOf(key));
    if (version === 'beyond') throw new BlockError('CORRUPT', `${this.urlOf(key)}: is empty`);
    if (version.sizeBytes > bytesMax) {
      throw new BlockError('CORRUPT', `${this.urlOf(key)}: has ${version.sizeBytes} bytes, more than ${bytesMax}`);
    }
    return { version, bytes: bytes.subarray(0, version.sizeBytes) };
  }

  async head(key: string): Promise<Version | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: key });
    const what = `HEAD ${this.urlOf(key)}`;
    try {
      const found = await this.#requests.run(
        what,
        (abortSignal) => this.#client.send(command, { abortSignal }),
        isMissingKey,
      );
      return {
        etag: present(found.ETag, `${what}: no ETag`),
        sizeBytes: found.ContentLength ?? 0,
        stamp: decodeStamp(found.Metadata),
      };
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
    const when = condition === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag };
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: body,
      Metadata: encodeStamp(stamp),
      ...(this.conditionalPuts ? when : {}),
    });
    const attempts = watchAttempts(command);
    for (let repeats = 0; ; repeats++) {
      try {
        const send = (abortSignal: AbortSignal) => this.#client.send(command, { abortSignal });
        const { ETag } = await this.#requests.run(what, send, () => true);
        return { kind: 'stored', etag: present(ETag, `${what}: no ETag`), late: attempts.unanswered };
      } catch (error) {
        if (!attempts.unanswered && !isLostCondition(error)) {
          return { kind: 'failed', error: toBlockError(error, what), late: false };
        }
        const settled = await this.#settle(key, condition === 'absent' ? {} : condition, stamp);
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
  async deleteBatch(objects: readonly { key: string; etag?: string | undefined }[]): Promise<DeleteResult[]> {
    const what = `DELETE ${objects.length} objects, first ${this.urlOf(objects[0]?.key ?? '')}`;
    const command = new DeleteObjectsCommand({
      Bucket: this.#bucket,
      Delete: {
        Objects: objects.map(({ key, etag }) => (etag === undefined ? { Key: key } : { Key: key, ETag: etag })),
        Quiet: true,
      },
    });
    const { Errors = [] } = await this.#requests.run(what, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
    const failures = new Map(Errors.map((failure) => [failure.Key, failure]));
    return objects.map(({ key }) => {
      const failure = failures.get(key);
      if (failure === undefined || failure.Code === 'NoSuchKey') return 'gone';
      if (CHANGED.includes(failure.Code ?? '')) return 'changed';
      return toBlockError({ name: failure.Code, message: failure.Message }, `DELETE ${this.urlOf(key)}`);
    });
  }

  /** The first `keysMax` (at most a thousand) keys under `prefix` after the key `after`, in order. */
  async list(
    prefix: string,
    after: string | undefined,
    keysMax: number,
  ): Promise<{ objects: Listed[]; more: boolean }> {
    const what = `LIST ${this.urlOf(prefix)}`;
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: prefix,
      StartAfter: after,
      MaxKeys: keysMax,
    });
    const page = await this.#requests.run(what, (abortSignal) => this.#client.send(command, { abortSignal }));
    const objects = (page.Contents ?? []).map(({ Key, ETag }) => ({
      key: present(Key, `${what}: no Key`),
      etag: present(ETag, `${what}: no ETag`),
    }));
    return { objects, more: page.IsTruncated === true };
  }

  /** Aborts what is in flight, refuses what comes later, and closes the connections of a client that is not the caller's. */
  close(): void {
    this.#requests.close();
    if (this.#destroyClient) this.#client.destroy();
  }

  /** What became of a PUT that was answered with `error`, if at all. */
  async #settle(key: string, { etag: expected }: { etag?: string }, stamp: Stamp): Promise<Settled> {
    let found: Version | undefined;
    try {
      found = await this.head(key);
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
