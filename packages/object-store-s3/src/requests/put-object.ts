import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Direct, Outcome } from '../direct/direct.js';
import type { AnswerHead, AnswerTaker } from '../direct/exchange.js';
import type { SendOptions } from '../link/transport.js';
import { checkAnswers, isPlain } from './answers.js';
import type { Attempt, Attempts } from './attempts.js';
import { METADATA_HEADER, metadataOf } from './metadata.js';
import type { Ways } from './ways.js';

/** A PUT of a whole object. */
export interface PutRequest {
  readonly bucket: string;
  readonly key: string;
  readonly body: Uint8Array;
  readonly stamp: string;
  /** An ETag, as the store wants it written. */
  readonly ifMatch?: string;
  readonly ifNoneMatch?: '*';
}

/** What the SDK calls a body that it is told nothing of. */
const CONTENT_TYPE = 'application/octet-stream';

/** One PUT. Resolves with the ETag of the answer; throws what the SDK throws. */
export async function putObject(
  { client, direct }: Ways,
  request: PutRequest,
  attempts: Attempts,
  options: SendOptions,
): Promise<string | undefined> {
  const taker = new PutTaker();
  const sent = direct === undefined ? undefined : await putDirect(direct, request, taker, attempts, options);
  if (sent?.outcome.isTaken) return taker.etag;
  const { bucket, key, body, stamp, ifMatch, ifNoneMatch } = request;
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: body,
    Metadata: metadataOf(stamp),
    ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
  });
  checkAnswers(command, { etag: true });
  attempts.watch(command, sent?.attempt);
  sent?.outcome.prepare(command);
  return (await client.send(command, options)).ETag;
}

/** `attempt`: the one that the store has answered, if it was sent. */
async function putDirect(
  direct: Direct,
  { key, body, stamp, ifMatch, ifNoneMatch }: PutRequest,
  taker: PutTaker,
  attempts: Attempts,
  options: SendOptions,
): Promise<{ readonly outcome: Outcome; readonly attempt: Attempt | undefined }> {
  const headers: Record<string, string> = { 'content-type': CONTENT_TYPE, [METADATA_HEADER]: stamp };
  if (ifMatch !== undefined) headers['if-match'] = ifMatch;
  if (ifNoneMatch !== undefined) headers['if-none-match'] = ifNoneMatch;
  let attempt: Attempt | undefined;
  const onSend = () => {
    attempt = attempts.begin();
  };
  try {
    const outcome = await direct.send({ method: 'PUT', key, headers, body, onSend }, taker, options);
    if (outcome.isTaken) attempt?.answered();
    return { outcome, attempt };
  } catch (error) {
    attempt?.failed(error);
    throw error;
  }
}

/** Takes a plain yes: an ETag, and nothing else. An error may come with the status of a yes, in a body. */
class PutTaker implements AnswerTaker {
  etag: string | undefined;

  start(head: AnswerHead): 'take' | 'leave' {
    if (head.statusCode !== 200 || !isPlain(head) || head.headers['content-length'] !== '0') return 'leave';
    this.etag = head.headers.etag;
    return 'take';
  }

  push(): boolean {
    return true;
  }

  end(): void {}
}
