import { createHash, getFips } from 'node:crypto';

/** An answer that no S3 store gives: it comes from something on the way, and says nothing of what is stored. */
export class NotAnAnswer extends Error {
  override readonly name = 'NotAnAnswer';
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(message: string, httpStatusCode: number) {
    super(message);
    this.$metadata = { httpStatusCode };
  }
}

/** What of an HTTP answer is looked at here. */
interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The part of a command's middleware stack that is needed here, the same for all commands. */
interface Stack {
  add(middleware: Middleware, options: { name: string; step: 'deserialize' | 'build'; priority: 'low' }): void;
}
type Handler = (args: { request: unknown }) => Promise<{ response: unknown }>;
type Middleware = (next: Handler) => Handler;

export interface AnswerChecks {
  /** Whether each success must come with an ETag. */
  readonly etag?: boolean;
}

/**
 * Looks at each answer to `command` before the SDK does, which takes an empty body and an HTML page for answers that have
 * nothing to say. What cannot be the store's own is thrown as {@link NotAnAnswer}: the page of a captive portal, a proxy's own
 * 404.
 *
 * It also asks that bodies come as they are. A proxy may compress what it is not told to leave alone, and then neither ranges
 * nor lengths nor ETags are those of the object. The header is not signed, since some stores change it before they check.
 */
export function checkAnswers(
  command: { readonly middlewareStack: unknown },
  { etag = false }: AnswerChecks = {},
): void {
  (command.middlewareStack as Stack).add(
    (next) => async (args) => {
      (args.request as { headers: Record<string, string> }).headers['accept-encoding'] = 'identity';
      const answered = await next(args);
      const { statusCode, headers } = answered.response as HttpAnswer;
      const type = headers['content-type'] ?? '';
      if (FOREIGN.test(type) && (statusCode < 300 || TELLING.includes(statusCode))) {
        throw new NotAnAnswer(`an answer of type ${type}, which no S3 store gives`, statusCode);
      }
      if (statusCode >= 300) {
        // The SDK would try to read a page as XML, and tell of nothing but that.
        return FOREIGN.test(type) ? { ...answered, response: withoutBody(answered.response as HttpAnswer) } : answered;
      }
      if (etag && headers.etag === undefined)
        throw new NotAnAnswer('an answer without an ETag, which no S3 store gives', statusCode);
      const encoding = headers['content-encoding'] ?? '';
      if (COMPRESSED.test(encoding)) throw new NotAnAnswer(`a body compressed on the way (${encoding})`, statusCode);
      return answered;
    },
    // Within the SDK's retries, before its reading of the answer.
    { name: 'checkAnswers', step: 'deserialize', priority: 'low' },
  );
}

/** What stores never give: their answers are XML, and our objects are bytes. Proxies, portals and load balancers do. */
const FOREIGN = /^text\/(html|plain)\b/i;

/** Statuses that say something of an object: that it is not there, or is another version, or is shorter. */
const TELLING = [404, 409, 412, 416];

/** Content codings that a proxy applies. Others that stores give back mean nothing here: `aws-chunked`, an empty one. */
const COMPRESSED = /\b(gzip|x-gzip|deflate|br|zstd|compress)\b/i;

/** Whether an answer to a GET or a PUT is the plain success that {@link checkAnswers} lets pass. */
export function isPlain({ statusCode, headers }: HttpAnswer): boolean {
  if (statusCode !== 200 && statusCode !== 206) return false;
  const { etag, 'content-type': type = '', 'content-encoding': encoding = '' } = headers;
  return etag !== undefined && !FOREIGN.test(type) && !COMPRESSED.test(encoding);
}

/** Adds the digest that older stores want on a body, in place of or beside the checksum that the SDK sends. */
export function addContentMd5(command: { readonly middlewareStack: unknown }): void {
  // There is no MD5 then, and a store that insists on it is told of by its refusal.
  if (getFips() !== 0) return;
  (command.middlewareStack as Stack).add(
    (next) => (args) => {
      const request = args.request as { body?: unknown; headers: Record<string, string> };
      if (typeof request.body === 'string' || request.body instanceof Uint8Array) {
        request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64');
      }
      return next(args);
    },
    { name: 'addContentMd5', step: 'build', priority: 'low' },
  );
}

function withoutBody<T extends HttpAnswer>(answer: T): T {
  // Read to its end, or the connection would not be free again.
  const { body } = answer as { body?: { resume?: () => void } };
  body?.resume?.();
  return Object.assign(Object.create(Object.getPrototypeOf(answer)), answer, { body: undefined });
}
