import { expect, test } from 'vitest';
import { toBlockError } from './store-error.js';

test.each([
  [{ name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } }, 'NOT_FOUND', false],
  [{ name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } }, 'NOT_FOUND', false],
  [{ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }, 'ACCESS_DENIED', false],
  [{ name: 'SignatureDoesNotMatch', $metadata: { httpStatusCode: 403 } }, 'ACCESS_DENIED', false],
  [{ name: 'Unauthorized', $metadata: { httpStatusCode: 401 } }, 'ACCESS_DENIED', false],
  [{ name: 'CredentialsProviderError' }, 'ACCESS_DENIED', false],
  [{ name: 'SlowDown', $metadata: { httpStatusCode: 503 } }, 'UNAVAILABLE', true],
  [{ name: 'InternalError', $metadata: { httpStatusCode: 500 } }, 'UNAVAILABLE', true],
  [{ name: 'Unknown', $metadata: { httpStatusCode: 429 } }, 'UNAVAILABLE', true],
  [{ name: 'TimeoutError', code: 'ECONNRESET' }, 'UNAVAILABLE', true],
  [{ name: 'Error', code: 'ECONNREFUSED' }, 'UNAVAILABLE', true],
  [{ name: 'Error', code: 'ENOTFOUND' }, 'UNAVAILABLE', true],
  [{ name: 'TimeoutError' }, 'TIMEOUT', true],
  [{ name: 'TimeoutError', code: 'ETIMEDOUT' }, 'TIMEOUT', true],
  [{ name: 'NotImplemented', $metadata: { httpStatusCode: 501 } }, 'UNSUPPORTED', false],
  [{ name: 'QuotaExceeded', $metadata: { httpStatusCode: 403 } }, 'NO_SPACE', true],
  [{ name: 'Unknown', $metadata: { httpStatusCode: 507 } }, 'NO_SPACE', true],
  [{ name: 'PermanentRedirect', $metadata: { httpStatusCode: 301 } }, 'INVALID_ARGUMENT', false],
  [{ name: 'Error', message: 'Region is missing' }, 'INVALID_ARGUMENT', false],
  [{ name: 'constructor' }, 'IO', false],
  ['something', 'IO', false],
] as const)('%j becomes %s', (error, code, retryable) => {
  expect(toBlockError(error, 'GET s3://b/k')).toMatchObject({ code, retryable, cause: error });
});

test('what a HEAD is refused with has no reason, and the message says so', () => {
  const refused = { name: 'Unknown', message: 'UnknownError', $metadata: { httpStatusCode: 403 } };
  expect(toBlockError(refused, 'HEAD s3://bucket/key')).toMatchObject({
    code: 'ACCESS_DENIED',
    message: 'HEAD s3://bucket/key: status 403, which gives no reason',
  });
});
