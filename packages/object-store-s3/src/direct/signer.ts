import { createHmac, hash, webcrypto } from 'node:crypto';
import type { S3Credentials } from '../link/credentials.js';

/** What is signed of a request. It has no query. */
export interface Signable {
  readonly method: string;
  /** Escaped, as it is sent. */
  readonly path: string;
  /** All of them are signed. Their names are in lower case; `host` is among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hexadecimal digits, or {@link UNSIGNED_PAYLOAD}. */
  readonly payloadHash: string;
}

/** Stands for the hash of a body that something else protects: TLS. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** The hash of no bytes. */
export const EMPTY_SHA256 = sha256('');

const ALGORITHM = 'AWS4-HMAC-SHA256';
const SERVICE = 's3';
const SCOPE_END = 'aws4_request';

/** What next to no header has. */
const UNUSUAL_SPACE = /^\s|\s$|\s\s|[^\S ]/;

export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

/** The same from a thread of its own: for what would hold up the event loop. */
export async function sha256Aside(data: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', data)).toString('hex');
}

/**
 * Signs requests to S3 in one region: AWS Signature Version 4, in a header. The key is derived once a day for each pair of
 * credentials, which leaves two hashes for a request.
 *
 * Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference.
 */
export class Signer {
  readonly #region: string;
  /** Of the last second in which something was signed. */
  #second = { startMs: Number.NEGATIVE_INFINITY, time: '', date: '', scope: '' };
  #key: { readonly of: string; readonly bytes: Buffer } | undefined;

  constructor(region: string) {
    this.#region = region;
  }

  /** The headers with those added that make the signature. */
  sign(request: Signable, credentials: S3Credentials, nowMs: number): Record<string, string> {
    const { method, path, payloadHash } = request;
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const { time, date, scope } = this.#secondOf(nowMs);
    // Not by a spread: what is added to one gives each object a shape of its own, which costs more than the signature.
    const headers: Record<string, string> = Object.assign({}, request.headers);
    headers['x-amz-content-sha256'] = payloadHash;
    headers['x-amz-date'] = time;
    if (sessionToken !== undefined) headers['x-amz-security-token'] = sessionToken;
    const names = Object.keys(headers).sort();
    const signedNames = names.join(';');
    let lines = '';
    for (const name of names) lines += `${name}:${canonical(headers[name] ?? '')}\n`;
    const digest = sha256(`${method}\n${path}\n\n${lines}\n${signedNames}\n${payloadHash}`);
    const signature = createHmac('sha256', this.#keyOf(secretAccessKey, date))
      .update(`${ALGORITHM}\n${time}\n${scope}\n${digest}`)
      .digest('hex');
    headers.authorization = `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
    return headers;
  }

  #secondOf(nowMs: number): { readonly time: string; readonly date: string; readonly scope: string } {
    const startMs = Math.floor(nowMs / 1000) * 1000;
    if (startMs === this.#second.startMs) return this.#second;
    const time = timeOf(startMs);
    const date = time.slice(0, 8);
    this.#second = { startMs, time, date, scope: `${date}/${this.#region}/${SERVICE}/${SCOPE_END}` };
    return this.#second;
  }

  #keyOf(secretAccessKey: string, date: string): Buffer {
    const of = `${date}/${secretAccessKey}`;
    if (this.#key?.of !== of) {
      const parts = [date, this.#region, SERVICE, SCOPE_END];
      this.#key = { of, bytes: parts.reduce(hmac, Buffer.from(`AWS4${secretAccessKey}`)) };
    }
    return this.#key.bytes;
  }
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** `20260131T120000Z`. */
function timeOf(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

/** A header's value as it is signed: without outer spaces, and with one for each run of inner ones. */
function canonical(value: string): string {
  return UNUSUAL_SPACE.test(value) ? value.trim().replaceAll(/\s+/g, ' ') : value;
}
