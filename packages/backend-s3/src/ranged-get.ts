import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { BlockError } from '@blockyard/block';
import { Scatter } from './scatter.js';
import { decodeStamp } from './stamp.js';
import { present, type Version } from './version.js';

/** Bytes of an object: `lengthBytes` from `offset` on. */
export interface ByteRange {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** The body of an answer ended before its time; the `cause` tells how. */
export class BrokenOff extends Error {
  constructor(cause: unknown) {
    super('the body broke off', { cause });
  }
}

/**
 * One GET of a range, its body copied into `target` as it comes, and zeroes after the object's end. All bytes are of one version
 * of the object. Throws {@link BrokenOff}, and what the SDK throws.
 */
export async function getRange(
  client: S3Client,
  object: { readonly Bucket: string; readonly Key: string },
  target: readonly Uint8Array[],
  { offset, lengthBytes }: ByteRange,
  abortSignal: AbortSignal,
): Promise<Version> {
  const Range = `bytes=${offset}-${offset + lengthBytes - 1}`;
  const answer = await client.send(new GetObjectCommand({ ...object, Range }), { abortSignal });
  const sizeBytes = checkRange(answer, { offset, lengthBytes });
  const expectedBytes = Math.min(lengthBytes, sizeBytes - offset);
  const scatter = new Scatter(target);
  try {
    for await (const piece of answer.Body as AsyncIterable<Uint8Array>) {
      if (!scatter.push(piece)) throw new Error(`more than the ${expectedBytes} bytes that were asked for`);
    }
    if (scatter.filledBytes !== expectedBytes) {
      throw Object.assign(new Error(`${scatter.filledBytes} of ${expectedBytes} bytes`), { code: 'ECONNRESET' });
    }
  } catch (error) {
    throw new BrokenOff(error);
  }
  scatter.zeroRest();
  return { etag: present(answer.ETag, 'answer without an ETag'), sizeBytes, stamp: decodeStamp(answer.Metadata) };
}

/** The size of the whole object, if the answer is to the range that was asked for. */
function checkRange(answer: GetObjectCommandOutput, { offset, lengthBytes }: ByteRange): number {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.ContentRange ?? '')?.map(Number) ?? [];
  const end = Math.min(offset + lengthBytes, total ?? 0);
  if (total === undefined || first !== offset || last !== end - 1) {
    const got = answer.ContentRange ?? 'the whole object';
    throw new BlockError('UNSUPPORTED', `the store gave ${got} for ${lengthBytes} bytes from ${offset}`);
  }
  return total;
}
