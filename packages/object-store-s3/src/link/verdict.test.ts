import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judge } from './verdict.js';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

let answer: Answer = { status: 200, body: '' };
let server: Server;
let client: S3Client;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
});
afterAll(() => {
  client.destroy();
  server.close();
});

const s3 = (code: string) => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said so</Message></Error>`;
const HTML = '<html><head><title>Sorry</title></head><body>Sorry<br></body></html>';

/** What the SDK throws for a PUT that is answered so. */
async function failureOf(given: Answer): Promise<unknown> {
  answer = given;
  const command = new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: Buffer.from('body') });
  return client.send(command).then(
    () => {
      throw new Error('the SDK takes this answer for a success');
    },
    (error: unknown) => error,
  );
}

test.each([
  // The store itself declines before it does anything.
  [400, 'InvalidArgument', 'no', 'none'],
  [400, 'EntityTooLarge', 'no', 'none'],
  [400, 'IncompleteBody', 'no', 'none'],
  [400, 'XAmzContentSHA256Mismatch', 'no', 'none'],
  [403, 'AccessDenied', 'no', 'rights'],
  [404, 'NoSuchBucket', 'no', 'none'],
  [405, 'MethodNotAllowed', 'no', 'none'],
  [409, 'ConditionalRequestConflict', 'no', 'none'],
  [411, 'MissingContentLength', 'no', 'none'],
  [412, 'PreconditionFailed', 'no', 'none'],
  [417, 'ExpectationFailed', 'no', 'none'],
  [501, 'NotImplemented', 'no', 'none'],
  [301, 'PermanentRedirect', 'no', 'none'],
  [307, 'TemporaryRedirect', 'no', 'none'],
  // Keys, by all their names.
  [400, 'ExpiredToken', 'no', 'credentials'],
  [400, 'InvalidToken', 'no', 'credentials'],
  [400, 'TokenRefreshRequired', 'no', 'credentials'],
  [400, 'AuthorizationHeaderMalformed', 'no', 'credentials'],
  [401, 'InvalidAccessKeyId', 'no', 'credentials'],
  [403, 'InvalidAccessKeyId', 'no', 'credentials'],
  [403, 'SignatureDoesNotMatch', 'no', 'credentials'],
  [403, 'RequestExpired', 'no', 'credentials'],
  // Who knows how far it got.
  [500, 'InternalError', 'unknown', 'wait'],
  [502, 'BadGateway', 'unknown', 'wait'],
  [503, 'ServiceUnavailable', 'unknown', 'wait'],
  [503, 'SlowDown', 'unknown', 'wait'],
  [504, 'GatewayTimeout', 'unknown', 'wait'],
  [522, 'ConnectionTimedOut', 'unknown', 'wait'],
  [429, 'TooManyRequests', 'unknown', 'wait'],
  [400, 'RequestTimeout', 'unknown', 'wait'],
  [408, 'RequestTimeout', 'unknown', 'wait'],
  [507, 'XMinioStorageFull', 'unknown', 'none'],
  [403, 'QuotaExceeded', 'unknown', 'none'],
  [499, 'ClientClosedRequest', 'unknown', 'none'],
  // The SDK makes a 503 of an error within a 200.
  [200, 'InternalError', 'unknown', 'wait'],
  [200, 'SlowDown', 'unknown', 'wait'],
] as const)('%i %s: carried out: %s; what may help: %s', async (status, code, carriedOut, remedy) => {
  expect(judge(await failureOf({ status, body: s3(code) }))).toMatchObject({ carriedOut, remedy });
});

test.each([
  [302, 'none'],
  [400, 'rights'],
  [403, 'rights'],
  [404, 'none'],
  [409, 'none'],
  [413, 'none'],
  [499, 'none'],
  [408, 'wait'],
  [429, 'wait'],
  [500, 'wait'],
  [502, 'wait'],
  [503, 'wait'],
  [504, 'wait'],
  [501, 'none'],
  [507, 'none'],
] as const)('%i from something on the way may come after the work; what may help: %s', async (status, remedy) => {
  for (const body of ['', HTML, 'sorry', '{"sorry":true}']) {
    expect(judge(await failureOf({ status, body })), body).toMatchObject({ carriedOut: 'unknown', remedy });
  }
});

test('a wrong clock is not carried out, and is right after the answer', async () => {
  const headers = { date: new Date(Date.now() - 3 * 3_600_000).toUTCString() };
  const error = await failureOf({ status: 403, body: s3('RequestTimeTooSkewed'), headers });
  expect(judge(error)).toMatchObject({ carriedOut: 'no', remedy: 'clock' });
});

const system = (code: string, syscall: string) => Object.assign(new Error(code), { code, syscall });

test.each([
  ['refused', system('ECONNREFUSED', 'connect'), 'no', 'wait'],
  ['no way there', system('EHOSTUNREACH', 'connect'), 'no', 'wait'],
  ['no such name', system('ENOTFOUND', 'getaddrinfo'), 'no', 'wait'],
  ['no name server', system('EAI_AGAIN', 'getaddrinfo'), 'no', 'wait'],
  [
    'refused at each of its addresses',
    Object.assign(new AggregateError([system('ECONNREFUSED', 'connect'), system('ENETUNREACH', 'connect')]), {
      code: 'ECONNREFUSED',
    }),
    'no',
    'wait',
  ],
  ['reset', system('ECONNRESET', 'read'), 'unknown', 'wait'],
  ['no way there after all', system('EHOSTUNREACH', 'read'), 'unknown', 'wait'],
  ['closed', system('EPIPE', 'write'), 'unknown', 'wait'],
  ['hung up', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), 'unknown', 'wait'],
  ['silent', Object.assign(new Error('silent'), { name: 'TimeoutError' }), 'unknown', 'wait'],
  ['no HTTP', Object.assign(new Error('Parse Error'), { code: 'HPE_INVALID_CONSTANT' }), 'unknown', 'repeat'],
  ['a bad certificate', Object.assign(new Error('expired'), { code: 'CERT_HAS_EXPIRED' }), 'no', 'none'],
  ['no credentials', Object.assign(new Error('none'), { name: 'CredentialsProviderError' }), 'no', 'credentials'],
  ['a mistake of ours', new TypeError('undefined is not a function'), 'unknown', 'none'],
  ['what is no error', 'a string', 'unknown', 'none'],
] as const)('no answer, %s', (_, error, carriedOut, remedy) => {
  expect(judge(error)).toMatchObject({ carriedOut, remedy });
});

test('a yes that cannot be read was most likely carried out', () => {
  const error = Object.assign(new Error('XML parse error'), { $metadata: { httpStatusCode: 200 } });
  expect(judge(error)).toMatchObject({ carriedOut: 'unknown', remedy: 'repeat' });
});
