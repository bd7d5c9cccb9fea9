import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Signer, UNSIGNED_PAYLOAD } from './signer.js';

/** The hash that the SDK's signer wants to be given. */
class Sha256 {
  readonly #hash;
  constructor(secret?: SourceData) {
    const key = secret === undefined || typeof secret === 'string' ? secret : bytesOf(secret);
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

type SourceData = string | ArrayBuffer | ArrayBufferView;

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

const text = fc.stringMatching(/^[!-~]([ -~]{0,40}[!-~])?$/);
const requests = fc.record({
  method: fc.constantFrom('GET', 'PUT'),
  path: fc.webPath().map((path) => (path.startsWith('/') ? path : `/${path}`)),
  headers: fc.dictionary(
    fc.stringMatching(/^(x-amz-meta-[a-z0-9-]{1,12}|if-match|if-none-match|range|content-type)$/),
    text,
    { maxKeys: 6 },
  ),
  payloadHash: fc.constantFrom(UNSIGNED_PAYLOAD, createHash('sha256').update('body').digest('hex')),
});
const credentials = fc.record(
  {
    accessKeyId: fc.stringMatching(/^[A-Z0-9]{4,20}$/),
    secretAccessKey: text,
    sessionToken: fc.stringMatching(/^\w+$/),
  },
  { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
);
const timesMs = fc.integer({ min: Date.UTC(2000), max: Date.UTC(2099) });

test('every request is signed as the SDK signs it, whatever was signed before with the same signer', async () => {
  const region = 'eu-central-1';
  const signer = new Signer(region);
  await fc.assert(
    fc.asyncProperty(requests, credentials, timesMs, async (request, given, nowMs) => {
      const headers = { host: 'bucket.example', ...request.headers };
      const ours = signer.sign({ ...request, headers }, given, nowMs);
      const theirs = await new SignatureV4({
        service: 's3',
        region,
        credentials: given,
        sha256: Sha256,
        uriEscapePath: false,
      }).sign(
        {
          protocol: 'https:',
          hostname: 'bucket.example',
          method: request.method,
          path: request.path,
          headers: { ...headers, 'x-amz-content-sha256': request.payloadHash },
        },
        { signingDate: new Date(nowMs) },
      );
      expect(ours).toEqual(theirs.headers);
    }),
    { numRuns: 300 },
  );
});
