import { Failure, messageOf } from './failure.js';

const GONE: readonly unknown[] = ['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'];

/** Whether an output failed because its reader went away. */
export function isReaderGone(error: unknown): boolean {
  return GONE.includes(codeOf(error));
}

/** What a system or a stream calls its error. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** What was asked for is done, but no one will see it. */
export function outputFailure(error: unknown): Failure {
  return new Failure(`cannot write the result: ${messageOf(error)}`, 'where the output goes there must be room', error);
}
