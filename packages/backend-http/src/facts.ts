import { BlockError } from '@blockyard/block';
import { changed, wrongAnswer } from './failures.js';
import type { FetchResponse } from './fetch.js';

/** What tells one content from another. */
export interface Facts {
  readonly sizeBytes: number;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

/** The part of the content that an answer has. */
export interface Part {
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
  readonly facts: Facts;
}

/** What a 206 holds by its head. Throws {@link wrongAnswer} where that is not one part, as it is. */
export function partOf({ headers }: FetchResponse): Part {
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw wrongAnswer(`the content comes encoded as ${JSON.stringify(encoding)}`);
  const range = headers.get('content-range');
  if (range === null)
    throw wrongAnswer('a part without a Content-Range (a page may not see it unless the server exposes it)');
  const [, first, last, total] = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/i.exec(range.trim()) ?? [];
  const [start, end, sizeBytes] = [Number(first), Number(last) + 1, Number(total)];
  if (!Number.isSafeInteger(sizeBytes) || !(start < end) || !(end <= sizeBytes)) {
    throw wrongAnswer(`a Content-Range that makes no sense: ${JSON.stringify(range)}`);
  }
  return { start, end, facts: { sizeBytes, ...validatorsOf(headers) } };
}

export function validatorsOf(headers: FetchResponse['headers']): Pick<Facts, 'etag' | 'lastModified'> {
  return { etag: headers.get('etag') ?? undefined, lastModified: headers.get('last-modified') ?? undefined };
}

/** Throws unless an answer is of the same content. An answer that leaves a validator out is not known to be. */
export function checkSame(known: Facts, now: Facts): void {
  if (known.sizeBytes !== now.sizeBytes) throw changed(`it had ${known.sizeBytes} bytes, and has ${now.sizeBytes}`);
  if (known.etag !== now.etag) throw changed('its ETag is another one');
  if (known.etag === undefined && known.lastModified !== now.lastModified) throw changed('its time is another one');
}

/** Headers that let a server refuse to answer of another content. Weak validators are only compared. */
export function conditionsOf(facts: Facts | undefined): Readonly<Record<string, string>> {
  if (facts?.etag !== undefined) return facts.etag.startsWith('W/') ? {} : { 'if-match': facts.etag };
  return facts?.lastModified === undefined ? {} : { 'if-unmodified-since': facts.lastModified };
}

export function refuseUnvalidated({ etag, lastModified }: Facts): void {
  if (etag !== undefined || lastModified !== undefined) return;
  throw new BlockError(
    'UNSUPPORTED',
    'the server gives neither an ETag nor a Last-Modified, so that a change would not be found out (allowUnvalidated reads all the same)',
  );
}
