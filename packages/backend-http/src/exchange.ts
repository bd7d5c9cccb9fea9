import { BlockError, type Clock } from '@blockyard/block';
import { AttemptFailed } from './failures.js';
import type { Fetch, FetchResponse } from './fetch.js';

export interface ExchangeOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxRedirects: number;
  readonly maxSilenceMs: number;
  readonly fetch: Fetch;
  readonly clock: Clock;
}

/** The thinnest line that counts as one, in bytes per second: an answer that drips for ever ends, too. */
const BYTES_PER_SECOND_MIN = 16_384;

const REDIRECTS = [301, 302, 303, 307, 308];

/** One attempt at a request: it ends when nothing has come for a while, or when it is stopped. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #controller = new AbortController();
  readonly #stop: AbortSignal;
  #timer: unknown;
  #deadlineMs: number;

  /** @param expectedBytes as many as the answer has, at most */
  constructor(options: ExchangeOptions, stop: AbortSignal, expectedBytes: number) {
    const { clock, maxSilenceMs } = options;
    this.#options = options;
    this.#stop = stop;
    this.#deadlineMs = clock.now() + maxSilenceMs + (expectedBytes / BYTES_PER_SECOND_MIN) * 1000;
    stop.addEventListener('abort', this.#stopped);
    if (stop.aborted) this.#stopped();
    this.#arm();
  }

  /** The answer's head, behind all redirections. Rejects with {@link AttemptFailed} or a `BlockError`. */
  async send(headers: Readonly<Record<string, string>>): Promise<FetchResponse> {
    const { maxRedirects } = this.#options;
    let { url } = this.#options;
    for (let redirects = 0; ; redirects++) {
      const response = await this.#fetch(url, headers, 'manual');
      // A page cannot look where it is sent; its browser refuses what is less safe itself.
      if (response.type === 'opaqueredirect') return this.#fetch(url, headers, 'follow');
      if (!REDIRECTS.includes(response.status)) return response;
      await discard(response);
      if (redirects >= maxRedirects) throw new BlockError('IO', `more than ${maxRedirects} redirections`);
      url = redirected(url, response.headers.get('location'));
    }
  }

  /** Calls `take` with each part of the body as it comes. It throws to end the exchange. */
  async receive({ body }: FetchResponse, take: (bytes: Uint8Array) => void): Promise<void> {
    const reader = body?.getReader();
    try {
      for (;;) {
        const { done, value } = (await this.#guarded(reader?.read())) ?? { done: true };
        if (done) return;
        this.#arm();
        if (value !== undefined) take(value);
      }
    } catch (error) {
      reader?.cancel().catch(() => {});
      throw error;
    }
  }

  end(): void {
    this.#options.clock.clear(this.#timer);
    this.#stop.removeEventListener('abort', this.#stopped);
    // A body that was not read to its end must not go on coming.
    this.#controller.abort();
  }

  async #fetch(url: URL, headers: Readonly<Record<string, string>>, redirect: 'manual' | 'follow') {
    const { fetch, headers: own, url: first } = this.#options;
    // What the caller sends to its server may be a secret.
    const all = url.origin === first.origin ? { ...own, ...headers } : headers;
    const { signal } = this.#controller;
    const response = await this.#guarded(fetch(url.href, { headers: all, redirect, signal, cache: 'no-store' }));
    this.#arm();
    return response;
  }

  /** What was ended for a reason fails for that reason, and anything else is the line. */
  async #guarded<T>(work: Promise<T>): Promise<T>;
  async #guarded<T>(work: Promise<T> | undefined): Promise<T | undefined>;
  async #guarded<T>(work: Promise<T> | undefined): Promise<T | undefined> {
    const { signal } = this.#controller;
    try {
      signal.throwIfAborted();
      return await work;
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw new AttemptFailed('UNAVAILABLE', `the connection failed: ${lineFailure(cause)}`, { cause });
    }
  }

  #arm(): void {
    const { clock, maxSilenceMs } = this.#options;
    clock.clear(this.#timer);
    const waitMs = Math.max(0, Math.min(maxSilenceMs, this.#deadlineMs - clock.now()));
    this.#timer = clock.set(() => this.#controller.abort(new AttemptFailed('TIMEOUT', 'no answer in time')), waitMs);
  }

  readonly #stopped = (): void => this.#controller.abort(this.#stop.reason);
}

/** Leaves the connection to others. */
export async function discard({ body }: FetchResponse): Promise<void> {
  await body?.cancel().catch(() => {});
}

function redirected(from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from.href)) throw new BlockError('IO', 'a redirection to nowhere');
  const to = new URL(location, from);
  const isHttp = to.protocol === 'https:' || to.protocol === 'http:';
  if (!isHttp) throw new BlockError('IO', `a redirection to ${to.protocol} is not followed`);
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new BlockError('IO', 'a redirection from https to http is not followed');
  }
  return to;
}

/** `fetch failed` alone tells nothing: its cause has what happened. */
function lineFailure(error: unknown): string {
  const { message, cause } = error as { readonly message?: unknown; readonly cause?: unknown };
  const code = (cause as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : String(message ?? error);
}
