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
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { connectHttp } from '@blockyard/backend-http';
 *
 * const image = Buffer.alloc(1024, 'image ');
 * const server = createServer(({ headers: { range = 'bytes=0-1023' } }, response) => {
 *   const [from = 0, to = 1023] = range.slice(6).split('-').map(Number);
 *   const part = image.subarray(from, to + 1);
 *   response.writeHead(206, { etag: '"1"', 'content-range': `bytes ${from}-${from + part.length - 1}/1024` });
 *   response.end(part);
 * });
 * await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
 * const address = server.address();
 * const port = typeof address === 'object' ? address?.port : undefined;
 *
 * const device = await connectHttp({ url: `http://127.0.0.1:${port}/disk.img` });
 * const sector = new Uint8Array(512);
 * await device.read(0, [sector]);
 * console.log(Buffer.from(sector).toString('utf8', 0, 5), device.info.readOnly); // image true
 * await device.disconnect();
 * server.closeAllConnections();
 * server.close();
 * ```
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
