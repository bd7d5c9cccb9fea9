/** As much of the platform's `fetch` as this package needs, so that any platform's types will do. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

export interface FetchInit {
  readonly headers: Readonly<Record<string, string>>;
  readonly redirect: 'manual' | 'follow';
  readonly signal: AbortSignal;
  /** What a cache between has may be of another image. */
  readonly cache: 'no-store';
}

export interface FetchResponse {
  readonly status: number;
  readonly type: string;
  readonly headers: { get(name: string): string | null };
  readonly body: FetchBody | null;
}

export interface FetchBody {
  getReader(): FetchBodyReader;
  cancel(): Promise<void>;
}

export interface FetchBodyReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

export const platformFetch: Fetch = (url, init) =>
  (globalThis as unknown as { readonly fetch: Fetch }).fetch(url, init);
