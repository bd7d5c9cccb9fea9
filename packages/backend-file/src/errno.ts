import { type BlockError, CODE_BY_ERRNO, type ErrnoCodes, fromErrno } from '@blockyard/block';

const CODES: ErrnoCodes = {
  ...CODE_BY_ERRNO,
  EEXIST: 'ALREADY_EXISTS',
  EBUSY: 'LOCKED',
  ETXTBSY: 'LOCKED',
  ETIMEDOUT: 'TIMEOUT',
};

/** What opening, reading or writing a file or a raw device failed with, as a `BlockError`. One that is one already stays it. */
export function fileError(error: unknown): BlockError {
  return fromErrno(error, { codes: CODES });
}
