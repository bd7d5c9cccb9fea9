import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { BlockError } from '@blockyard/block';
import { checkAnswers } from './answers.js';
import { canonicalEtag } from './etag.js';
import { Scatter } from './scatter.js';
import { decodeStamp } from './stamp.js';
import type { Version } from './version.js';

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

/** The version that the bytes are of. `whole`: the store gave all of the object, and what was asked for was cut out of it. */
export interface Got {
  readonly version: Version;
  readonly whole: boolean;
}

/**
 * One GET of a range, its body copied into `target` as it comes, and zeroes after the object's end. All bytes are of one version
 * of the object. Throws {@link BrokenOff}, and what the SDK throws.
 *
 * A store may answer with the whole object, always or where the range covers it all. Then the part is taken out of it, and the
 * rest is read no further than up to the end of the range.
 */
export async function getRange(
  client: S3Client,
  object: { readonly Bucket: string; readonly Key: string },
  target: readonly Uint8Array[],
  { offset, lengthBytes }: ByteRange,
  abortSignal: AbortSignal,
): Promise<Got> {
  const command = new GetObjectCommand({ ...object, Range: `bytes=${offset}-${offset + lengthBytes - 1}` });
  checkAnswers(command, { etag: true });
  const answer = await client.send(command, { abortSignal });
  const whole = answer.ContentRange === undefined;
  const sizeBytes = whole ? checkWhole(answer) : checkRange(answer, { offset, lengthBytes });
  const body = answer.Body as AsyncIterable<Uint8Array>;
  const expectedBytes = Math.max(0, Math.min(lengthBytes, sizeBytes - offset));
  await copyBody(whole ? cutOut(body, offset, expectedBytes) : body, target, expectedBytes);
  const etag = canonicalEtag(answer.ETag, 'answer with an empty ETag');
  return { version: { etag, sizeBytes, stamp: decodeStamp(answer.Metadata) }, whole };
}

async function copyBody(
  body: AsyncIterable<Uint8Array>,
  target: readonly Uint8Array[],
  expectedBytes: number,
): Promise<void> {
  const scatter = new Scatter(target);
  try {
    for await (const piece of body) {
      if (!scatter.push(piece)) throw new Error(`more than the ${expectedBytes} bytes that were asked for`);
    }
    if (scatter.filledBytes !== expectedBytes) {
      throw Object.assign(new Error(`${scatter.filledBytes} of ${expectedBytes} bytes`), { code: 'ECONNRESET' });
    }
  } catch (error) {
    throw new BrokenOff(error);
  }
  scatter.zeroRest();
}

/** `lengthBytes` from `offset` of a body on, which is not read beyond them. */
async function* cutOut(
  body: AsyncIterable<Uint8Array>,
  offset: number,
  lengthBytes: number,
): AsyncGenerator<Uint8Array, void> {
  let start = 0;
  for await (const piece of body) {
    const end = start + piece.byteLength;
    yield piece.subarray(Math.max(0, offset - start), Math.max(0, offset + lengthBytes - start));
    if (end >= offset + lengthBytes) return;
    start = end;
  }
}

/** The size of the whole object, if the answer is to the range that was asked for. */
function checkRange(answer: GetObjectCommandOutput, { offset, lengthBytes }: ByteRange): number {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.ContentRange ?? '')?.map(Number) ?? [];
  const end = Math.min(offset + lengthBytes, total ?? 0);
  if (total === undefined || first !== offset || last !== end - 1) {
    const got = answer.ContentRange ?? '';
    throw new BlockError('UNSUPPORTED', `the store gave ${got} for ${lengthBytes} bytes from ${offset}`);
  }
  return total;
}

/** The size of an object that came as a whole. */
function checkWhole({ ContentLength }: GetObjectCommandOutput): number {
  if (ContentLength !== undefined) return ContentLength;
  throw new BlockError('UNSUPPORTED', 'the store gave the whole object for a range, and does not tell its length');
}
