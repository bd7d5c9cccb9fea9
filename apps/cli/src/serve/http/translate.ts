import { RequestError } from '@blockyard/http-api';
import { Failure, UsageError } from '../../terminal/failure.js';

/** What the command's own failures are to a client of its API. */
export function translate(error: unknown): unknown {
  if (error instanceof UsageError) return new RequestError('BAD_REQUEST', error.message, error.hint);
  if (error instanceof Failure) return new RequestError('CONFLICT', error.message, error.hint);
  return error;
}
