import { createHash } from 'node:crypto';
import type { StoreAnswer, StoreRequest } from './store-request.js';

export interface StoredObject {
  readonly body: Buffer;
  /** With its quotes. */
  readonly etag: string;
  /** The `x-amz-meta-` headers that it was stored with. */
  readonly metadata: Readonly<Record<string, string>>;
  /** When it was stored. Left out: in 1970. */
  readonly modified?: Date;
}

type Objects = Map<string, StoredObject>;

const KEYS_IN_PAGE_MAX = 1000;
const LONG_AGO = new Date(0);

/** Carries a request out as S3 does, and gives S3's answer. `now`: when what it stores is stored. Left out: in 1970. */
export function answerHonestly(objects: Objects, request: StoreRequest, now = LONG_AGO): StoreAnswer {
  const { method, key, query } = request;
  if (key === '') return query.has('delete') ? deleteMany(objects, request) : list(objects, request);
  if (method === 'PUT') return put(objects, request, now);
  if (method === 'DELETE') return deleteOne(objects, request);
  const found = objects.get(key);
  return found === undefined ? errorAnswer(404, 'NoSuchKey') : get(found, request);
}

/** An error as S3 writes it. */
export function errorAnswer(status: number, code: string, message = code, more = ''): StoreAnswer {
  const text = `<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message>${more}</Error>`;
  return xmlAnswer(text, status);
}

export function xmlAnswer(text: string, status = 200): StoreAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${text}`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

function put(objects: Objects, { key, headers, body }: StoreRequest, now: Date): StoreAnswer {
  const refused = refuse(objects.get(key), headers['if-match'], headers['if-none-match']);
  if (refused !== undefined) return refused;
  const metadata = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`;
  objects.set(key, {
    body,
    etag,
    metadata: Object.fromEntries(metadata.map(([name, value]) => [name, String(value)])),
    ...(now === LONG_AGO ? {} : { modified: now }),
  });
  return { status: 200, headers: { etag } };
}

function refuse(
  found: StoredObject | undefined,
  ifMatch: string | undefined,
  ifNoneMatch: string | undefined,
): StoreAnswer | undefined {
  if (ifNoneMatch === '*' && found !== undefined) return errorAnswer(412, 'PreconditionFailed');
  if (ifMatch === undefined || ifMatch === found?.etag) return undefined;
  return found === undefined ? errorAnswer(404, 'NoSuchKey') : errorAnswer(412, 'PreconditionFailed');
}

function get({ body, etag, metadata, modified = LONG_AGO }: StoredObject, { headers }: StoreRequest): StoreAnswer {
  const about = {
    etag,
    ...metadata,
    'content-type': 'application/octet-stream',
    'last-modified': modified.toUTCString(),
  };
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')?.map(Number) ?? [];
  if (first === undefined || last === undefined) return { status: 200, headers: about, body };
  if (first >= body.length) return errorAnswer(416, 'InvalidRange');
  const end = Math.min(last + 1, body.length);
  const range = { 'content-range': `bytes ${first}-${end - 1}/${body.length}` };
  return { status: 206, headers: { ...about, ...range }, body: body.subarray(first, end) };
}

function deleteOne(objects: Objects, { key, headers }: StoreRequest): StoreAnswer {
  const refused = refuse(objects.get(key), headers['if-match'], undefined);
  if (refused !== undefined) return refused;
  objects.delete(key);
  return { status: 204 };
}

function deleteMany(objects: Objects, { body }: StoreRequest): StoreAnswer {
  const text = body.toString();
  const isQuiet = textsOf(text, 'Quiet').includes('true');
  const results = textsOf(text, 'Object').map((object) => {
    const [key = ''] = textsOf(object, 'Key').map(unescapeXml);
    const [etag] = textsOf(object, 'ETag').map(unescapeXml);
    if (etag !== undefined && objects.has(key) && objects.get(key)?.etag !== etag) {
      return `<Error><Key>${escapeXml(key)}</Key><Code>PreconditionFailed</Code></Error>`;
    }
    objects.delete(key);
    return isQuiet ? '' : `<Deleted><Key>${escapeXml(key)}</Key></Deleted>`;
  });
  return xmlAnswer(`<DeleteResult>${results.join('')}</DeleteResult>`);
}

function list(objects: Objects, { bucket, query }: StoreRequest): StoreAnswer {
  const prefix = query.get('prefix') ?? '';
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const keysMax = Math.min(Number(query.get('max-keys') ?? KEYS_IN_PAGE_MAX), KEYS_IN_PAGE_MAX);
  const isAfter = (key: string) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0;
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && isAfter(key));
  keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const page = keys.slice(0, keysMax);
  return xmlAnswer(
    listingXml({ bucket, prefix, keys: page, next: keys.length > keysMax ? page.at(-1) : undefined }, objects),
  );
}

/** What is in a page of a listing. */
export interface ListingPage {
  readonly bucket: string;
  readonly prefix: string;
  readonly keys: readonly string[];
  /** Token of the next page; there is none if it is left out. */
  readonly next?: string | undefined;
}

export function listingXml(
  { bucket, prefix, keys, next }: ListingPage,
  objects: ReadonlyMap<string, StoredObject>,
): string {
  const contents = keys.map((key) => {
    const { etag = '"0"', body = Buffer.alloc(0), modified = LONG_AGO } = objects.get(key) ?? {};
    return `<Contents><Key>${escapeXml(key)}</Key><LastModified>${modified.toISOString()}</LastModified><ETag>${escapeXml(etag)}</ETag><Size>${body.length}</Size></Contents>`;
  });
  const more = next === undefined ? '' : `<NextContinuationToken>${escapeXml(next)}</NextContinuationToken>`;
  return `<ListBucketResult><Name>${bucket}</Name><Prefix>${escapeXml(prefix)}</Prefix><KeyCount>${keys.length}</KeyCount><MaxKeys>${KEYS_IN_PAGE_MAX}</MaxKeys><IsTruncated>${next !== undefined}</IsTruncated>${more}${contents.join('')}</ListBucketResult>`;
}

/** The contents of each `<name>` element. Elements of one name are not within each other here. */
function textsOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, text = '']) => text);
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function unescapeXml(text: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (_, decimal, hex, name) => {
    if (name !== undefined) return named[name] ?? '';
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
  });
}
