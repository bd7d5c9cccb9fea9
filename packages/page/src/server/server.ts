import type { Server } from 'node:http';
import type { Clock } from '@blockyard/block';
import {
  checkFields,
  fdOf,
  guard,
  type HttpAddress,
  json,
  listenHttp,
  RequestError,
  type Route,
  SecretToken,
  type TokenCheck,
  textField,
  urlOf,
} from '@blockyard/http-api';
import type { Controls } from '../controls.js';
import { PATHS } from '../shared/messages.js';
import type { PageDevice, PageSource } from '../source.js';
import { assetRoutes } from './assets.js';
import { change } from './changes.js';
import { Feeds } from './feeds.js';
import { viewOf } from './view.js';

const BODY_BYTES_MAX = 4096;

/** What a page shows, one device or several, where, and to whom; for {@link servePage}. */
export type PageOptions = CommonOptions & (OneDevice | SeveralDevices);

interface OneDevice {
  readonly source: PageSource;
  /** What can be done. Default: nothing. */
  readonly controls?: Controls | undefined;
}

interface SeveralDevices {
  /** Those that there are at this moment; the first is shown unless another is chosen. */
  readonly devices: () => readonly PageDevice[];
}

interface CommonOptions {
  /** Where to listen; port 0 is any free one. No one but this machine should reach it. */
  readonly address: HttpAddress;
  /** What viewers have to show that do something, behind `#token=` of the page's address. Left out: no one may. */
  readonly token?: string | TokenCheck | undefined;
  /** A descriptor of a socket that listens there already, as another process has handed it over. Default: one is made. */
  readonly fd?: number | undefined;
  /** How long an address that is taken is tried again, in milliseconds. Default: 0. */
  readonly waitMs?: number;
  /** Ends the wait for the address. */
  readonly signal?: AbortSignal;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** A page that is served. */
export interface PageServer {
  /** `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Its socket, for a process that is to go on with it; undefined where that is not possible. */
  readonly fd: number | undefined;
  /** Takes no further viewer, and ends those that there are. */
  end(): void;
}

/**
 * Serves the live page of a device.
 *
 * Rejects with `ALREADY_EXISTS` if the address is taken, `ACCESS_DENIED`, `IO`, with `INVALID_ARGUMENT` for a weak token, and
 * with `ABORTED` when the signal fires.
 */
export async function servePage(options: PageOptions): Promise<PageServer> {
  const { address, fd, waitMs = 0, clock } = options;
  const signal = options.signal ?? new AbortController().signal;
  const token = typeof options.token === 'string' ? new SecretToken(options.token) : options.token;
  const devices = 'devices' in options ? options.devices : () => [{ ...options, name: '' }];
  const feeds = new Feeds({ devices, takesChanges: token !== undefined, ...(clock && { clock }) });
  const routes = [...(await assetRoutes()), ...feedRoutes(feeds), changeRoute(feeds)];
  const hint = 'serve the page with a token, and open the address that has it';
  const check = guard({ host: address.host, token, hint });
  const http = { routes, check, keepAlive: true, maxBodyBytes: BODY_BYTES_MAX };
  const server = await listenHttp(address, http, { fd, waitMs, signal });
  return {
    url: urlOf(server, address),
    get fd() {
      return fdOf(server);
    },
    end: () => end(server, feeds),
  };
}

function feedRoutes(feeds: Feeds): Route[] {
  return [
    {
      method: 'GET',
      path: PATHS.feed,
      answer({ query }) {
        const view = viewOf(query);
        feeds.checkRoom();
        const name = query.get('device');
        return { contentType: 'text/event-stream', open: (response) => feeds.open(response, view, name) };
      },
    },
    {
      method: 'GET',
      path: PATHS.cell,
      answer: ({ query }) => json(feeds.cell(query.get('viewer') ?? '', cellIn(query))),
    },
  ];
}

function cellIn(query: URLSearchParams): number {
  const text = query.get('cell') ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RequestError('BAD_REQUEST', 'cell must be a whole number');
}

function changeRoute(feeds: Feeds): Route {
  return {
    method: 'POST',
    path: PATHS.set,
    async answer({ body }) {
      checkFields(body, ['id', 'value', 'device']);
      const name = 'device' in body ? textField(body, 'device') : null;
      await change(feeds.find(name)?.controls, textField(body, 'id'), body.value);
      return json({});
    },
  };
}

function end(server: Server, feeds: Feeds): void {
  server.close();
  feeds.end();
  server.closeIdleConnections();
}
