import { BlockError } from '@blockyard/block';
import type { ByteRange, ObjectVersion, OpenSink, Sink, TrafficCounter } from '@blockyard/object-store';
import type { AnswerHead, AnswerTaker } from '../direct/exchange.js';
import { brokenOff } from '../link/broken-off.js';
import { isPlain } from './answers.js';
import { canonicalEtag } from './etag.js';
import { METADATA_HEADER } from './metadata.js';

/**
 * An answer that came in full, and is not what was asked for, or not what was stored: the `cause` tells. It may have been
 * spoilt on its way.
 */
export class Spoilt extends Error {
  readonly $metadata = { httpStatusCode: 206 };

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** The version that the bytes are of. `whole`: the store gave all of the object, and what was asked for was taken out of it. */
export interface Got {
  readonly version: ObjectVersion;
  readonly whole: boolean;
}

/** Bytes of an object, where they go, and who counts what comes. */
export interface RangeWish {
  readonly key: string;
  readonly range: ByteRange;
  readonly open: OpenSink;
  readonly traffic: Pick<TrafficCounter, 'received'>;
}

/** What the head of an answer says of its body. */
export interface RangeHead {
  readonly etag: string | undefined;
  readonly stamp: string | undefined;
  readonly contentRange: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly contentLength: number | undefined;
}

/**
 * Takes the answer to a GET of a range: gives the bytes to a sink as they come, and nothing from past the object's end.
 *
 * A store may answer with the whole object, always or where the range covers it all. Then the part is taken out of it, and the
 * rest is read no further than up to the end of the range.
 *
 * Throws {@link Spoilt}, what `open` throws, and where the body ends early what a connection that was reset throws.
 */
export class RangeTaker implements AnswerTaker {
  readonly #wish: RangeWish;
  #got: Got | undefined;
  #sink: Sink | undefined;
  #expectedBytes = 0;
  /** Of the body, and of those the ones that were given away. */
  #cameBytes = 0;
  #gaveBytes = 0;

  constructor(wish: RangeWish) {
    this.#wish = wish;
  }

  /** Once the answer has begun. */
  get got(): Got {
    if (this.#got === undefined) throw new Error('there has been no answer');
    return this.#got;
  }

  start(head: AnswerHead): 'take' | 'enough' | 'leave' {
    if (!isPlain(head)) return 'leave';
    const { headers } = head;
    const length = headers['content-length'];
    const isWanted = this.begin({
      etag: headers.etag,
      stamp: headers[METADATA_HEADER],
      contentRange: headers['content-range'],
      contentEncoding: headers['content-encoding'],
      contentLength: length === undefined ? undefined : Number(length),
    });
    return isWanted ? 'take' : 'enough';
  }

  /** Whether the body is wanted. */
  begin(head: RangeHead): boolean {
    checkEncoding(head);
    const { range, open } = this.#wish;
    const whole = head.contentRange === undefined;
    const sizeBytes = whole ? checkWhole(head) : checkRange(head, range);
    const etag = canonicalEtag(head.etag, 'answer with an empty ETag');
    const version = { etag, sizeBytes, stamp: head.stamp };
    this.#got = { version, whole };
    this.#sink = open(version);
    this.#expectedBytes = Math.max(0, Math.min(range.lengthBytes, sizeBytes - range.offset));
    return this.#sink !== undefined;
  }

  push(piece: Uint8Array): boolean {
    this.#wish.traffic.received(this.#wish.key, piece.byteLength);
    const start = this.#cameBytes;
    this.#cameBytes += piece.byteLength;
    if (!this.got.whole) {
      this.#give(piece);
      return true;
    }
    const { offset, lengthBytes } = this.#wish.range;
    const end = offset + lengthBytes;
    this.#give(piece.subarray(Math.max(0, offset - start), Math.max(0, end - start)));
    // What ends by itself is read to its end, since the connection would be lost otherwise.
    return this.#cameBytes < end || this.got.version.sizeBytes <= end;
  }

  end(): void {
    if (this.#sink === undefined) return;
    if (this.#gaveBytes !== this.#expectedBytes) {
      throw brokenOff(new Error(`${this.#gaveBytes} of ${this.#expectedBytes} bytes`));
    }
    this.#sink.end();
  }

  #give(piece: Uint8Array): void {
    this.#gaveBytes += piece.byteLength;
    if (this.#gaveBytes > this.#expectedBytes) {
      throw new Spoilt(`more than the ${this.#expectedBytes} bytes that were asked for`);
    }
    try {
      this.#sink?.push(piece);
    } catch (error) {
      throw new Spoilt(error);
    }
  }
}

/** The size of the whole object, if the answer is to the range that was asked for. */
function checkRange({ contentRange = '' }: RangeHead, { offset, lengthBytes }: ByteRange): number {
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange)?.map(Number) ?? [];
  const end = Math.min(offset + lengthBytes, total ?? 0);
  if (total === undefined || first !== offset || last !== end - 1) {
    throw new BlockError('UNSUPPORTED', `the store gave ${contentRange} for ${lengthBytes} bytes from ${offset}`);
  }
  return total;
}

/** The size of an object that came as a whole. */
function checkWhole({ contentLength }: RangeHead): number {
  if (contentLength !== undefined) return contentLength;
  throw new BlockError('UNSUPPORTED', 'the store gave the whole object for a range, and does not tell its length');
}

/** A proxy that packs a body gives its length and its ranges for the packed one, or for the other. */
function checkEncoding({ contentEncoding = '' }: RangeHead): void {
  // What the SDK says of an upload in chunks is kept by some stores as if it were of the object.
  if (['', 'identity', 'aws-chunked'].includes(contentEncoding)) return;
  throw new BlockError('UNSUPPORTED', `the store gave the object encoded as ${contentEncoding}`);
}
