import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Life, World } from '@blockyard/conformance/simulator';

/** An HTTP request as the SDK hands it to its transport. */
export interface StoreRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** As the SDK wants it back. */
export interface StoreResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Readable;
}

interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Of the answers that bring data, in a world where that happens, so many have a bit that flipped on the way. */
const FLIPPED = 0.05;

/**
 * A bucket in memory, on the other side of a network that delays, loses, flips bits and answers too late. What it stored is
 * durable.
 */
export class SimulatedStore {
  readonly #world: World;
  readonly #objects = new Map<string, StoredObject>();
  readonly #honoursConditionalDeletes: boolean;
  readonly #flipsBits: boolean;
  #flipped = 0;
  /** Requests on their way: what the store would do. */
  readonly #onTheirWay = new Set<() => void>();

  constructor(world: World) {
    this.#world = world;
    this.#honoursConditionalDeletes = world.random.chance(0.5);
    this.#flipsBits = world.random.chance(0.3);
  }

  /** Answers so far with a bit that flipped. */
  get flipped(): number {
    return this.#flipped;
  }

  /** Carries a request out at once. */
  handle(request: StoreRequest): StoreResponse {
    const key = decodeURIComponent(request.path).split('/').slice(2).join('/');
    switch (request.method) {
      case 'GET':
        return request.query?.['list-type'] === undefined ? this.#get(key, request) : this.#list(request);
      case 'HEAD':
        return this.#head(key);
      case 'PUT':
        return this.#put(key, request);
      default:
        return this.#delete(request);
    }
  }

  /** Carries a request out when and as chance has it. A process that is over sends nothing, and gets no answer. */
  send(life: Life, request: StoreRequest): Promise<StoreResponse> {
    if (!life.isAlive) return new Promise(() => {});
    let response: StoreResponse | undefined;
    const apply = () => {
      response ??= this.handle(request);
    };
    this.#onTheirWay.add(apply);
    return this.#world.call(life, {
      name: `${request.method} ${request.path}${'delete' in (request.query ?? {}) ? '?delete' : ''}`.replace(
        /probe-.*/,
        'probe',
      ),
      parts: 1,
      apply: () => {
        apply();
        this.#onTheirWay.delete(apply);
      },
      done: () => response as StoreResponse,
      failed: () => {
        this.#onTheirWay.delete(apply);
        return Object.assign(new Error('connection reset by the simulation'), { code: 'ECONNRESET' });
      },
    });
  }

  /** The sender of what is on its way is gone: some of it arrives, some never will. */
  settle(): void {
    for (const apply of this.#onTheirWay) if (this.#world.arrives()) apply();
    this.#onTheirWay.clear();
  }

  #get(key: string, { headers }: StoreRequest): StoreResponse {
    const object = this.#objects.get(key);
    if (object === undefined) return failure(404, 'NoSuchKey');
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? headers.Range ?? '')?.map(Number) ?? [];
    const total = object.bytes.byteLength;
    if (first === undefined || last === undefined) return answer(200, headersOf(object), object.bytes);
    if (first >= total) return failure(416, 'InvalidRange');
    const end = Math.min(last + 1, total);
    const range = { 'content-range': `bytes ${first}-${end - 1}/${total}` };
    return answer(206, { ...headersOf(object), ...range }, this.#onTheWay(key, object.bytes.subarray(first, end)));
  }

  /** What arrives of data that the store sends. */
  #onTheWay(key: string, bytes: Buffer): Buffer {
    const { random, mayInject } = this.#world;
    if (!this.#flipsBits || !mayInject || !key.includes('/data/') || !random.chance(FLIPPED)) return bytes;
    this.#flipped++;
    const flipped = Buffer.from(bytes);
    const at = random.below(flipped.byteLength);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
    return flipped;
  }

  #head(key: string): StoreResponse {
    const object = this.#objects.get(key);
    if (object === undefined) return answer(404, {}, Buffer.alloc(0));
    return answer(200, { ...headersOf(object), 'content-length': String(object.bytes.byteLength) }, Buffer.alloc(0));
  }

  #put(key: string, { headers, body }: StoreRequest): StoreResponse {
    const there = this.#objects.get(key);
    const ifMatch = headers['if-match'];
    if (ifMatch !== undefined && there === undefined) return failure(404, 'NoSuchKey');
    if (ifMatch !== undefined && there?.etag !== ifMatch) return failure(412, 'PreconditionFailed');
    if (headers['if-none-match'] === '*' && there !== undefined) return failure(412, 'PreconditionFailed');
    const bytes = Buffer.from(body as Uint8Array);
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    const metadata = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-')));
    this.#objects.set(key, { bytes, etag, metadata });
    return answer(200, { etag }, Buffer.alloc(0));
  }

  #delete({ body }: StoreRequest): StoreResponse {
    const results: string[] = [];
    for (const [, xml = ''] of String(body).matchAll(/<Object>(.*?)<\/Object>/g)) {
      const key = unescapeXml(/<Key>(.*?)<\/Key>/.exec(xml)?.[1] ?? '');
      const etag = /<ETag>(.*?)<\/ETag>/.exec(xml)?.[1];
      const there = this.#objects.get(key);
      const isOther = etag !== undefined && there !== undefined && there.etag !== unescapeXml(etag);
      if (this.#honoursConditionalDeletes && isOther) {
        results.push(errorXml(key, 'PreconditionFailed'));
      } else {
        this.#objects.delete(key);
        results.push(`<Deleted><Key>${key}</Key></Deleted>`);
      }
    }
    return answer(200, {}, Buffer.from(`<?xml version="1.0"?><DeleteResult>${results.join('')}</DeleteResult>`));
  }

  #list({ query = {} }: StoreRequest): StoreResponse {
    const prefix = String(query.prefix ?? '');
    const after = String(query['continuation-token'] ?? query['start-after'] ?? '');
    const max = Number(query['max-keys'] ?? 1000);
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, max);
    const contents = page.map((key) => {
      const { etag, bytes } = this.#objects.get(key) as StoredObject;
      return `<Contents><Key>${key}</Key><ETag>${etag.replaceAll('"', '&quot;')}</ETag><Size>${bytes.byteLength}</Size></Contents>`;
    });
    const isTruncated = keys.length > max;
    const token = isTruncated ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    const frame = `<KeyCount>${page.length}</KeyCount><IsTruncated>${isTruncated}</IsTruncated>${token}`;
    const xml = `<?xml version="1.0"?><ListBucketResult>${frame}${contents.join('')}</ListBucketResult>`;
    return answer(200, {}, Buffer.from(xml));
  }
}

function headersOf({ etag, metadata }: StoredObject): Record<string, string> {
  return { etag, ...metadata };
}

function answer(statusCode: number, headers: Record<string, string>, body: Buffer): StoreResponse {
  return { statusCode, headers, body: Readable.from(body.byteLength === 0 ? [] : [body]) };
}

function failure(statusCode: number, code: string): StoreResponse {
  return answer(statusCode, {}, Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`));
}

function errorXml(key: string, code: string): string {
  return `<Error><Key>${key}</Key><Code>${code}</Code><Message>${code}</Message></Error>`;
}

function unescapeXml(xml: string): string {
  return xml.replaceAll('&quot;', '"').replaceAll('&#34;', '"').replaceAll('&amp;', '&');
}
