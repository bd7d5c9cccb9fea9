import type { IncomingMessage } from 'node:http';

/** A request as the store sees it. */
export interface StoreRequest {
  readonly method: string;
  readonly bucket: string;
  /** Empty for a request to the bucket itself: a listing, a delete of many. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface StoreAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}
