import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  type DeleteObjectsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { BlockError } from '@blockyard/block';
import { toBlockError } from '../link/store-error.js';
import type { SendOptions } from '../link/transport.js';
import { addContentMd5, checkAnswers } from './answers.js';

/** An object to delete: whatever version is there, or only the one of this ETag, written as the store wants it. */
export interface Deletion {
  readonly key: string;
  readonly etag: string | undefined;
}

/** Per key: gone now, another version is there, not mentioned in the answer, or an error. */
export type DeleteAnswer = 'gone' | 'changed' | 'unmentioned' | BlockError;

/** What stores call it when an object is another version, or becomes one, as it is to be deleted. */
const CHANGED = ['PreconditionFailed', 'ConditionalRequestConflict', 'ConcurrentModification'];

/** One DeleteObjects. The store is asked to name each key that it deleted: silence is not taken for success. */
export async function deleteTogether(
  client: S3Client,
  bucket: string,
  deletions: readonly Deletion[],
  urlOf: (key: string) => string,
  options: SendOptions,
): Promise<DeleteAnswer[]> {
  const command = new DeleteObjectsCommand({
    Bucket: bucket,
    Delete: {
      Objects: deletions.map(({ key, etag }) => (etag === undefined ? { Key: key } : { Key: key, ETag: etag })),
      Quiet: false,
    },
  });
  checkAnswers(command);
  addContentMd5(command);
  return readAnswer(await client.send(command, options), deletions, urlOf);
}

function readAnswer(
  { Deleted = [], Errors = [] }: DeleteObjectsCommandOutput,
  deletions: readonly Deletion[],
  urlOf: (key: string) => string,
): DeleteAnswer[] {
  const deleted = new Set(Deleted.map(({ Key }) => Key));
  const failures = new Map(Errors.map((failure) => [failure.Key, failure]));
  return deletions.map(({ key }) => {
    const failure = failures.get(key);
    if (failure === undefined) return deleted.has(key) ? 'gone' : 'unmentioned';
    if (failure.Code === 'NoSuchKey') return 'gone';
    if (CHANGED.includes(failure.Code ?? '')) return 'changed';
    return toBlockError({ name: failure.Code, message: failure.Message }, `DELETE ${urlOf(key)}`);
  });
}

/** One DELETE. Throws what the SDK throws, a lost condition and a missing key included. */
export async function deleteAlone(
  client: S3Client,
  bucket: string,
  { key, etag }: Deletion,
  options: SendOptions,
): Promise<'gone' | 'unmentioned'> {
  const command = new DeleteObjectCommand({
    Bucket: bucket,
    Key: key,
    ...(etag === undefined ? {} : { IfMatch: etag }),
  });
  checkAnswers(command);
  const { $metadata } = await client.send(command, options);
  // Another status of success may come from anything on the way.
  return $metadata.httpStatusCode === 204 ? 'gone' : 'unmentioned';
}
