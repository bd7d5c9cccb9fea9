import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { Content } from './content.js';
import { HttpDriver } from './driver.js';
import { checkOptions, type HttpOptions } from './options.js';

export type { Fetch, FetchBody, FetchBodyReader, FetchInit, FetchResponse } from './fetch.js';
export type { HttpOptions } from './options.js';

/**
 * Opens what lies at a URL for reading, part by part.
 *
 * Rejects with `INVALID_ARGUMENT` (an option is wrong or unknown), `NOT_FOUND`, `ACCESS_DENIED`, `UNSUPPORTED` (the server
 * answers no requests for parts, or gives no validator), `UNAVAILABLE`, `TIMEOUT` or `IO` (it answers what was not asked), and
 * leaves nothing behind then.
 */
export async function connectHttp(options: HttpOptions): Promise<BlockDevice> {
  let device = 'http';
  try {
    const checked = checkOptions(options);
    // A query may hold a secret: many signed URLs have theirs there.
    device = `${checked.url.origin}${checked.url.pathname}`;
    const content = await Content.open(checked);
    return createDevice(new HttpDriver(device, content, checked), { clock: checked.clock });
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect', device });
  }
}
