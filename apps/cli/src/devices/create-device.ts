import { isBlockError } from '@blockyard/block';
import { type CreateUriOptions, createUri } from '@blockyard/uri';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf, UsageError } from '../terminal/failure.js';
import { unlessInterrupted } from '../terminal/interruption.js';

/** Makes a device, unless a signal comes first: then whether it was made is unknown. A size that makes no sense is wrong usage; what the device would be in must be there. */
export async function createDevice(context: Context, uri: string, options: CreateUriOptions): Promise<void> {
  try {
    await unlessInterrupted(context.interruption, createUri(uri, options));
  } catch (error) {
    if (isBlockError(error, 'UNALIGNED'))
      throw new UsageError(messageOf(error), 'K is 1024; ?sector= sets another size');
    if (!isBlockError(error, 'NOT_FOUND')) throw error;
    throw new Failure(messageOf(error), 'the folder or bucket must be there', error);
  }
}
