import { BlockError } from '@blockyard/block';

export function invalid(message: string): BlockError {
  return new BlockError('INVALID_ARGUMENT', message);
}
