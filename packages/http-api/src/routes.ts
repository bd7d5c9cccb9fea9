import { type Answer, RequestError, type StreamAnswer } from './answer.js';

/** A request, as far as a route has to know it. */
export interface ApiRequest {
  readonly query: URLSearchParams;
  /** Of a POST: the object of its body, empty where there is none. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Aborted when the client no longer waits for an answer, or has it. */
  readonly gone: AbortSignal;
}

/** What a path and a method ask for. A GET changes nothing. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** As it stands in a request, without a query: `/v1/status`. */
  readonly path: string;
  /** May reject with a `RequestError`, which is told to the client. */
  answer(request: ApiRequest): Answer | StreamAnswer | Promise<Answer | StreamAnswer>;
}

/** The route of a request; HEAD is a GET. Throws a `RequestError` where there is none. */
export function routeOf(routes: readonly Route[], method: string, path: string): Route {
  const there = routes.filter((route) => route.path === path);
  if (there.length === 0) {
    const known = [...new Set(routes.map((route) => route.path))].join(', ');
    throw new RequestError('NO_SUCH_ROUTE', 'there is nothing at this path', `there are ${known}`);
  }
  const wanted = method === 'HEAD' ? 'GET' : method;
  const route = there.find((each) => each.method === wanted);
  if (route !== undefined) return route;
  const allowed = there.map((each) => (each.method === 'GET' ? 'GET, HEAD' : each.method)).join(', ');
  throw new RequestError('METHOD_NOT_ALLOWED', `this path takes ${allowed}`, undefined, { allow: allowed });
}

/** Throws a `RequestError` if a body has what no one reads. */
export function checkFields(body: ApiRequest['body'], known: readonly string[]): void {
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const hint = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
  throw new RequestError('BAD_REQUEST', `the body has an unknown field, ${JSON.stringify(unknown)}`, hint);
}

/** A field that must be a whole number of bytes. */
export function sizeField(body: ApiRequest['body'], name: string): number {
  const value = body[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RequestError('BAD_REQUEST', `${name} must be a whole number of bytes`);
}

/** A field that may be left out; then it is false. */
export function flagField(body: ApiRequest['body'], name: string): boolean {
  const value = body[name] ?? false;
  if (typeof value === 'boolean') return value;
  throw new RequestError('BAD_REQUEST', `${name} must be true or false`);
}

/** A field of a body that must be a text. Throws a `RequestError`, `BAD_REQUEST`, for anything else. */
export function textField(body: ApiRequest['body'], name: string): string {
  const value = body[name];
  if (typeof value === 'string') return value;
  throw new RequestError('BAD_REQUEST', `${name} must be a text`);
}
