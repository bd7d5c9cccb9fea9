import { ListObjectsV2Command, type ListObjectsV2CommandOutput, type S3Client } from '@aws-sdk/client-s3';
import type { BlockErrorCode } from '@blockyard/block';
import { compareKeys, type Listed } from '@blockyard/object-store';
import type { SendOptions } from '../link/transport.js';
import { checkAnswers } from './answers.js';
import { canonicalEtag } from './etag.js';

/** One page of a listing: up to `maxKeys` keys that begin with `prefix`. */
export interface PageRequest {
  readonly bucket: string;
  readonly prefix: string;
  /** Whether the keys must come in order. */
  readonly inOrder: boolean;
  readonly maxKeys: number;
  /** In order, the keys of the page come after this one. */
  readonly after: string | undefined;
  /** Where the page before left off, if the store said so. */
  readonly token: string | undefined;
  /** A key that exists and that no page before had, so the listing cannot end without it, or in order before it. */
  readonly reaches: string | undefined;
}

export interface Page {
  readonly objects: readonly Listed[];
  /** Whether there are more after it, and the token to ask for them with, which not every store gives. */
  readonly more: boolean;
  readonly token: string | undefined;
}

/** A page that cannot be true. It may have been spoilt on the way; if it stays so it is an error of this code. */
export class StrangePage extends Error {
  readonly code: BlockErrorCode;

  constructor(code: BlockErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Asks for one page, and believes nothing of it that was not checked. Throws {@link StrangePage}, and what the SDK throws. */
export async function getPage(client: S3Client, request: PageRequest, options: SendOptions): Promise<Page> {
  const command = new ListObjectsV2Command({
    Bucket: request.bucket,
    Prefix: request.prefix,
    MaxKeys: request.maxKeys,
    ...(request.token === undefined
      ? { StartAfter: request.inOrder ? request.after : undefined }
      : { ContinuationToken: request.token }),
  });
  checkAnswers(command);
  return checkPage(await client.send(command, options), request);
}

/**
 * The page if it is what was asked for. Required is what all stores give: `IsTruncated`, a `KeyCount` that fits, and of each
 * object its key, ETag and size. `Name` and `Prefix` must be right where they are given.
 *
 * An end of the listing is believed only with, or in order past, the key that is known to exist: an answer can be well formed,
 * and empty, and false.
 */
export function checkPage(answer: ListObjectsV2CommandOutput, request: PageRequest): Page {
  const { IsTruncated: more, NextContinuationToken: token } = answer;
  if (isNothing(answer)) throw new StrangePage('UNAVAILABLE', 'the answer is empty, or not a listing');
  checkFrame(answer, request);
  if (more === undefined) throw new StrangePage('UNSUPPORTED', 'the listing does not say whether it is complete');
  const objects = checkObjects(answer, request);
  if (more && token === undefined && objects.length === 0) {
    throw new StrangePage('CORRUPT', 'the listing goes on, but the page is empty and does not say where');
  }
  if (more && token === undefined && !request.inOrder) {
    throw new StrangePage('UNSUPPORTED', 'the listing goes on, but does not say where');
  }
  if (more && token !== undefined && token === request.token) {
    throw new StrangePage('CORRUPT', 'the listing goes on where it went on before');
  }
  if (!more && !isReached(objects, request)) {
    throw new StrangePage('CORRUPT', `the listing ends before ${request.reaches}, which exists`);
  }
  return { objects, more, token: more ? token : undefined };
}

function isReached(objects: readonly Listed[], { inOrder, after, reaches }: PageRequest): boolean {
  if (reaches === undefined) return true;
  if (!inOrder) return objects.some(({ key }) => key === reaches);
  const last = objects.at(-1)?.key ?? after;
  return last !== undefined && compareKeys(last, reaches) >= 0;
}

/** The SDK reads an empty body so, and XML of another kind. */
function isNothing({ IsTruncated, Name, Prefix, KeyCount, Contents }: ListObjectsV2CommandOutput): boolean {
  return [IsTruncated, Name, Prefix, KeyCount, Contents].every((element) => element === undefined);
}

/** What stands around the objects. */
function checkFrame(answer: ListObjectsV2CommandOutput, { bucket, prefix, maxKeys }: PageRequest): void {
  const { Name, Prefix, KeyCount, Contents = [], CommonPrefixes = [] } = answer;
  if (KeyCount === undefined) throw new StrangePage('UNSUPPORTED', 'the listing does not say how many keys it has');
  if (KeyCount !== Contents.length || KeyCount > maxKeys) {
    throw new StrangePage('CORRUPT', `the listing has ${Contents.length} keys, says ${KeyCount}, may have ${maxKeys}`);
  }
  if (CommonPrefixes.length > 0) throw new StrangePage('CORRUPT', 'the listing has prefixes that were not asked for');
  if (Name !== undefined && !isNameOf(bucket, Name)) {
    throw new StrangePage('CORRUPT', `the listing is of the bucket ${JSON.stringify(Name)}`);
  }
  if (Prefix !== undefined && Prefix !== prefix) {
    throw new StrangePage('CORRUPT', `the listing is of the prefix ${JSON.stringify(Prefix)}`);
  }
}

/** The alias of an access point may be answered with the name of its bucket, and Ceph's `tenant:bucket` without the tenant. */
function isNameOf(bucket: string, name: string): boolean {
  return bucket === name || bucket.endsWith('-s3alias') || bucket.endsWith(`:${name}`);
}

function checkObjects({ Contents = [] }: ListObjectsV2CommandOutput, request: PageRequest): Listed[] {
  let after = request.inOrder ? request.after : undefined;
  const seen = new Set<string>();
  return Contents.map(({ Key: key, ETag, Size, LastModified }) => {
    if (key === undefined) throw new StrangePage('CORRUPT', 'the listing has an object without a key');
    if (!key.startsWith(request.prefix)) {
      throw new StrangePage('CORRUPT', `the listing has ${JSON.stringify(key)}, which is not under the prefix`);
    }
    if (request.inOrder && after !== undefined && compareKeys(key, after) <= 0) {
      // The same key twice is damage; another order is how some stores list.
      const code = key === after ? 'CORRUPT' : 'UNSUPPORTED';
      throw new StrangePage(code, `the store does not list in order: ${key} came after ${after}`);
    }
    if (seen.has(key)) throw new StrangePage('CORRUPT', `the listing has ${key} twice`);
    seen.add(key);
    after = key;
    if (ETag === undefined || Size === undefined || !Number.isSafeInteger(Size) || Size < 0) {
      throw new StrangePage('UNSUPPORTED', `the listing has no ${ETag === undefined ? 'ETag' : 'size'} of ${key}`);
    }
    const etag = canonicalEtag(ETag, `the listing has an empty ETag of ${key}`);
    return { key, etag, sizeBytes: Size, modifiedMs: LastModified?.getTime() ?? Number.NaN };
  });
}
