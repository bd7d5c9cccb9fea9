import type { Readable } from 'node:stream';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { BlockError } from '@blockyard/block';
import type { ByteRange, ObjectVersion, OpenSink, Sink, TrafficCounter } from '@blockyard/object-store';
import type { SendOptions } from '../link/transport.js';
import { checkAnswers } from './answers.js';
import type { DirectGets, GetAnswer } from './direct-get.js';
import { canonicalEtag } from './etag.js';
import { stampOf } from './metadata.js';

/**
 * An answer that came in full, and is not what was asked for, or not what was stored: the `cause` tells. It may have been
 * spoilt on its way.
 */
export class Spoilt extends Error {
  readonly $metadata = { httpStatusCode: 206 };

  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
  }
}

/** What a connection that was reset within an answer comes out as, whatever ended it: the `cause` tells. */
function brokenOff(cause: unknown): Error {
  return Object.assign(new Error(`the answer broke off: ${messageOf(cause)}`, { cause }), { code: 'ECONNRESET' });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The version that the bytes are of. `whole`: the store gave all of the object, and what was asked for was taken out of it. */
export interface Got {
  readonly version: ObjectVersion;
  readonly whole: boolean;
}

/** Who is asked, and how. */
export interface GetWays {
  readonly client: S3Client;
  /** Undefined: every request goes through the client. */
  readonly direct: DirectGets | undefined;
}

/** A GET, and who counts what comes. */
export interface RangeRequest {
  readonly object: { readonly Bucket: string; readonly Key: string };
  readonly range: ByteRange;
  readonly open: OpenSink;
  readonly traffic: Pick<TrafficCounter, 'received'>;
}

/**
 * One GET of a range, its body given to a sink as it comes; nothing comes from past the object's end. All bytes are of one
 * version of the object. Throws {@link Spoilt}, what `open` throws, and what the SDK throws.
 *
 * A store may answer with the whole object, always or where the range covers it all. Then the part is taken out of it, and the
 * rest is read no further than up to the end of the range.
 */
export async function getRange(
  ways: GetWays,
  { object, range, open, traffic }: RangeRequest,
  options: SendOptions,
): Promise<Got> {
  const { offset, lengthBytes } = range;
  const answer = await ask(ways, { ...object, Range: `bytes=${offset}-${offset + lengthBytes - 1}` }, options);
  const body = answer.Body as Readable;
  try {
    checkEncoding(answer);
    const whole = answer.ContentRange === undefined;
    const sizeBytes = whole ? checkWhole(answer) : checkRange(answer, { offset, lengthBytes });
    const etag = canonicalEtag(answer.ETag, 'answer with an empty ETag');
    const version = { etag, sizeBytes, stamp: stampOf(answer.Metadata) };
    const sink = open(version);
    const expectedBytes = Math.max(0, Math.min(lengthBytes, sizeBytes - offset));
    if (sink !== undefined) {
      await pour(whole ? partOf(body, offset, expectedBytes) : body, { sink, expectedBytes, traffic }, options);
    }
    return { version, whole };
  } finally {
    // What was not read to its end would keep the connection.
    body.destroy();
  }
}

async function ask(
  { client, direct }: GetWays,
  input: GetObjectCommand['input'],
  options: SendOptions,
): Promise<GetAnswer> {
  const command = new GetObjectCommand(input);
  checkAnswers(command, { etag: true });
  return (await direct?.get(command, options)) ?? client.send(command, options);
}

interface Pouring extends Pick<RangeRequest, 'traffic'> {
  readonly sink: Sink;
  readonly expectedBytes: number;
}

async function pour(
  body: AsyncIterable<Uint8Array>,
  { sink, expectedBytes, traffic }: Pouring,
  { watch }: SendOptions,
): Promise<void> {
  let receivedBytes = 0;
  try {
    for await (const piece of body) {
      watch?.received();
      traffic.received(piece.byteLength);
      receivedBytes += piece.byteLength;
      if (receivedBytes > expectedBytes) throw new Spoilt(`more than the ${expectedBytes} bytes that were asked for`);
      give(sink, piece);
    }
    if (receivedBytes !== expectedBytes) throw new Error(`${receivedBytes} of ${expectedBytes} bytes`);
  } catch (error) {
    throw error instanceof Spoilt ? error : brokenOff(error);
  }
  sink.end();
}

function give(sink: Sink, piece: Uint8Array): void {
  try {
    sink.push(piece);
  } catch (error) {
    throw new Spoilt(error);
  }
}

/** `lengthBytes` from `offset` of a body on, which is not read beyond them. */
async function* partOf(
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
function checkRange(answer: GetAnswer, { offset, lengthBytes }: ByteRange): number {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.ContentRange ?? '')?.map(Number) ?? [];
  const end = Math.min(offset + lengthBytes, total ?? 0);
  if (total === undefined || first !== offset || last !== end - 1) {
    const got = answer.ContentRange ?? '';
    throw new BlockError('UNSUPPORTED', `the store gave ${got} for ${lengthBytes} bytes from ${offset}`);
  }
  return total;
}

/** The size of an object that came as a whole. */
function checkWhole({ ContentLength }: GetAnswer): number {
  if (ContentLength !== undefined) return ContentLength;
  throw new BlockError('UNSUPPORTED', 'the store gave the whole object for a range, and does not tell its length');
}

/** A proxy that packs a body gives its length and its ranges for the packed one, or for the other. */
function checkEncoding({ ContentEncoding = '' }: GetAnswer): void {
  // What the SDK says of an upload in chunks is kept by some stores as if it were of the object.
  if (['', 'identity', 'aws-chunked'].includes(ContentEncoding)) return;
  throw new BlockError('UNSUPPORTED', `the store gave the object encoded as ${ContentEncoding}`);
}
