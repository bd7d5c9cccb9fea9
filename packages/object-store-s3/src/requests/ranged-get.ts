import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { brokenOff } from '../link/broken-off.js';
import type { SendOptions } from '../link/transport.js';
import { checkAnswers } from './answers.js';
import { stampOf } from './metadata.js';
import { type Got, RangeTaker, type RangeWish } from './range-taker.js';
import type { Ways } from './ways.js';

/** A GET of a part of an object. */
export interface RangeRequest extends RangeWish {
  readonly bucket: string;
}

/**
 * One GET of a range, its body given to a sink as it comes. All bytes are of one version of the object. Throws what
 * {@link RangeTaker} and the SDK throw.
 */
export async function getRange({ client, direct }: Ways, request: RangeRequest, options: SendOptions): Promise<Got> {
  const { bucket, key, range: wanted } = request;
  const range = `bytes=${wanted.offset}-${wanted.offset + wanted.lengthBytes - 1}`;
  const taker = new RangeTaker(request);
  const outcome = await direct?.send({ method: 'GET', key, headers: { range } }, taker, options);
  if (outcome?.isTaken) return taker.got;
  const command = new GetObjectCommand({ Bucket: bucket, Key: key, Range: range });
  checkAnswers(command, { etag: true });
  outcome?.prepare(command);
  await takeFrom(await client.send(command, options), taker, options);
  return taker.got;
}

async function takeFrom(answer: GetObjectCommandOutput, taker: RangeTaker, { watch }: SendOptions): Promise<void> {
  const body = answer.Body as Readable;
  try {
    const isWanted = taker.begin({
      etag: answer.ETag,
      stamp: stampOf(answer.Metadata),
      contentRange: answer.ContentRange,
      contentEncoding: answer.ContentEncoding,
      contentLength: answer.ContentLength,
    });
    if (!isWanted) return;
    for await (const piece of piecesOf(body)) {
      watch?.received();
      if (!taker.push(piece)) break;
    }
    taker.end();
  } finally {
    // What was not read to its end would keep the connection.
    body.destroy();
  }
}

async function* piecesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body;
  } catch (error) {
    throw brokenOff(error);
  }
}
