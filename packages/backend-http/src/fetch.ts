/** As much of the platform's `fetch` as this package needs, so that any platform's types will do. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** What is asked of a `fetch`. */
export interface FetchInit {
  readonly headers: Readonly<Record<string, string>>;
  readonly redirect: 'manual' | 'follow';
  readonly signal: AbortSignal;
  /** What a cache between has may be of another image. */
  readonly cache: 'no-store';
}

/** An answer of a `fetch`, as far as it is used. */
export interface FetchResponse {
  readonly status: number;
  readonly type: string;
  readonly headers: { get(name: string): string | null };
  readonly body: FetchBody | null;
}

/** A body as it comes, of which only this much is used. */
export interface FetchBody {
  /** Of the body. There is one at most. */
  getReader(): FetchBodyReader;
  /** Lets go of what has not come yet. */
  cancel(): Promise<void>;
}

/** Reads a body piece by piece. */
export interface FetchBodyReader {
  /** The next bytes, until it is `done`. */
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  /** Lets go of what has not come yet. */
  cancel(): Promise<void>;
}

export const platformFetch: Fetch = (url, init) =>
  (globalThis as unknown as { readonly fetch: Fetch }).fetch(url, init);
